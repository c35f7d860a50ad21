package dev.s3llm.examples.cli.soak;

import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.S3Engine;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.Flow;
import java.util.concurrent.Phaser;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Clients that submit more requests than the engine can serve. Some cancel, some set deadlines, and
 * some stop reading, read slowly, or throw while they read.
 */
final class SoakClients implements AutoCloseable {
  private static final int MAX_NEW_TOKENS = 96;
  private static final int MAX_PROMPT = 48;
  private static final long PAUSE_MILLIS = 5;
  private static final long READ_MILLIS = 20;

  private final S3Engine engine;
  private final ExecutorProfile profile;
  private final Random random;
  private final ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
  private final Phaser open = new Phaser(1);
  private final LongAdder refused = new LongAdder();
  private final LongAdder unhealthy = new LongAdder();
  private final LongAdder readers = new LongAdder();
  private @Nullable RequestRefusedException last;

  SoakClients(S3Engine engine, ExecutorProfile profile, long seed) {
    this.engine = engine;
    this.profile = profile;
    this.random = new Random(seed);
  }

  /** Returns the requests refused because the queue was full or the engine unhealthy. */
  long refused() {
    return refused.sum();
  }

  /** Returns the requests refused because the engine was unhealthy. */
  long unhealthy() {
    return unhealthy.sum();
  }

  /** Returns the refusal after which no request would be accepted, if there was one. */
  Optional<RequestRefusedException> refusedForGood() {
    return Optional.ofNullable(last);
  }

  /** Returns the token streams that ended or were cancelled. */
  long streamsOver() {
    return readers.sum();
  }

  /**
   * Submits requests, and pauses shortly after each refusal.
   *
   * @param time when to stop, unless the engine refuses for good before
   */
  void run(Duration time) throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    while (last == null && System.nanoTime() < end) {
      try {
        behave(engine.submit(request()));
      } catch (RequestRefusedException e) {
        if (!e.retriable()) {
          last = e;
          return;
        }
        refused.increment();
        if (e.reason() == RequestRefusedException.Reason.ENGINE_UNHEALTHY) {
          unhealthy.increment();
        }
        Thread.sleep(PAUSE_MILLIS);
      }
    }
  }

  /** Waits up to a minute for all results, and returns whether they arrived. */
  boolean awaitAll() throws InterruptedException {
    try {
      open.awaitAdvanceInterruptibly(open.arrive(), 60, TimeUnit.SECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    }
  }

  private GenerationRequest request() {
    int[] prompt =
        random.ints(1 + random.nextInt(MAX_PROMPT), 0, profile.vocabularySize()).toArray();
    GenerationRequest.Builder builder =
        GenerationRequest.builder(prompt)
            .maxNewTokens(1 + random.nextInt(MAX_NEW_TOKENS))
            .sampling(new SamplingParameters(1, 40, 0.95, 1, random.nextLong()));
    if (random.nextInt(10) == 0) {
      builder.deadline(Duration.ofMillis(1 + random.nextInt(2_000)));
    }
    return builder.build();
  }

  private void behave(Generation generation) {
    open.register();
    var unused = generation.result().whenComplete((result, error) -> open.arriveAndDeregister());
    switch (random.nextInt(10)) {
      case 0, 1 -> in(random.nextInt(1_000), generation::cancel);
      case 2 -> generation.tokens().subscribe(new Reader(random.nextInt(20), Manner.VANISHES));
      case 3 -> generation.tokens().subscribe(new Reader(random.nextInt(20), Manner.THROWS));
      case 4 -> generation.tokens().subscribe(new Reader(Integer.MAX_VALUE, Manner.IS_SLOW));
      case 5 -> generation.tokens().subscribe(new Reader(Integer.MAX_VALUE, Manner.READS));
      default -> {}
    }
  }

  private void in(long millis, Runnable task) {
    var unused = later.schedule(task, millis, TimeUnit.MILLISECONDS);
  }

  @Override
  public void close() {
    later.shutdownNow();
  }

  private enum Manner {
    READS,
    IS_SLOW,
    VANISHES,
    THROWS
  }

  /** Reads tokens in one of the manners; {@code VANISHES} and {@code THROWS} after some tokens. */
  private final class Reader implements Flow.Subscriber<Integer> {
    private final int tokens;
    private final Manner manner;
    private Flow.Subscription subscription;
    private int read;

    @SuppressWarnings("NullAway.Init") // onSubscribe comes first
    Reader(int tokens, Manner manner) {
      this.tokens = tokens;
      this.manner = manner;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      given.request(manner == Manner.IS_SLOW ? 1 : Long.MAX_VALUE);
    }

    @Override
    public void onNext(Integer token) {
      read++;
      if (manner == Manner.IS_SLOW) {
        in(READ_MILLIS, () -> subscription.request(1));
      } else if (read > tokens) {
        readers.increment();
        if (manner == Manner.THROWS) {
          throw new IllegalStateException("planted");
        }
        subscription.cancel();
      }
    }

    @Override
    public void onError(Throwable error) {
      readers.increment();
    }

    @Override
    public void onComplete() {
      readers.increment();
    }
  }
}
