package dev.s3llm.examples.cli;

import dev.s3llm.EngineUnhealthyException;
import dev.s3llm.FinalRefusalException;
import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.RetriableRefusalException;
import dev.s3llm.S3Engine;
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
 * Clients that want more than an engine can serve, and behave as clients do: some cancel, some set
 * deadlines, some stop reading, read slowly, or throw while they read.
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
  private @Nullable FinalRefusalException last;

  SoakClients(S3Engine engine, ExecutorProfile profile, long seed) {
    this.engine = engine;
    this.profile = profile;
    this.random = new Random(seed);
  }

  /** Requests refused for a while, because the queue was full or the engine unhealthy. */
  long refused() {
    return refused.sum();
  }

  /** Those of them that were refused because the engine was unhealthy. */
  long unhealthy() {
    return unhealthy.sum();
  }

  /** The refusal that no waiting helps against, which ended the submitting, if one did. */
  Optional<FinalRefusalException> refusedForGood() {
    return Optional.ofNullable(last);
  }

  /** Streams that ended or were given up. */
  long streamsOver() {
    return readers.sum();
  }

  /** Submits until the engine refuses, waits a little, and so on for some time or for good. */
  void run(Duration time) throws InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    while (last == null && System.nanoTime() < end) {
      try {
        behave(engine.submit(request()));
      } catch (RetriableRefusalException e) {
        refused.increment();
        if (e instanceof EngineUnhealthyException) {
          unhealthy.increment();
        }
        Thread.sleep(PAUSE_MILLIS);
      } catch (FinalRefusalException e) {
        last = e;
      }
    }
  }

  /** Waits until every result has come; false if some has not within a minute. */
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
      builder.deadline(Duration.ofMillis(random.nextInt(2_000)));
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

  /** Reads so many tokens in its manner. */
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
