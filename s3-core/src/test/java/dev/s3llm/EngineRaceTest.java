package dev.s3llm;

import static dev.s3llm.Engines.submit;
import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Flow;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Tests with many callers that submit, cancel, read and close at once, on both kinds of threads.
 */
@Timeout(120)
class EngineRaceTest {
  private static final int ROUNDS = 30;
  private static final int CALLERS = 8;
  private static final int SUBMISSIONS = 25;

  /** The kind of threads that the callers run on. */
  enum Callers {
    PLATFORM,
    VIRTUAL;

    ThreadFactory factory() throws ReflectiveOperationException {
      if (this == PLATFORM) {
        return Thread::new;
      }
      Object builder = Thread.class.getMethod("ofVirtual").invoke(null); // JDK 21 and later
      return (ThreadFactory)
          Class.forName("java.lang.Thread$Builder").getMethod("factory").invoke(builder);
    }

    boolean exist() {
      boolean exist = this == PLATFORM || Runtime.version().feature() >= 21;
      if (!exist) {
        System.out.println(
            "EngineRaceTest DID NOT RUN on virtual threads: JDK "
                + Runtime.version().feature()
                + " has none, 21 and later have");
      }
      return exist;
    }
  }

  @ParameterizedTest
  @EnumSource
  void submissionsCancellationsAndClose_endEachRequestOnce(Callers callers) throws Exception {
    if (callers.exist()) {
      for (int round = 0; round < ROUNDS; round++) {
        new Round(callers.factory(), round).run();
      }
    }
  }

  @Test
  void snapshot_isOneMomentOfTheEngine() throws Exception {
    try (S3Engine engine = S3Engine.builder(FakeExecutor.immediate()).build()) {
      AtomicInteger working = new AtomicInteger(4);
      List<Thread> threads = new ArrayList<>();
      ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
      for (int i = 0; i < 4; i++) {
        threads.add(new Thread(() -> guarded(failures, () -> generate(engine, working))));
      }
      for (int i = 0; i < 2; i++) {
        threads.add(new Thread(() -> guarded(failures, () -> watch(engine, working))));
      }
      threads.forEach(Thread::start);
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(failures).isEmpty();
    }
  }

  private static void generate(S3Engine engine, AtomicInteger working) {
    try {
      for (int i = 0; i < 1_000; i++) {
        Generation generation = submit(engine, 1 + i % 7);
        if (i % 3 == 0) {
          generation.cancel();
        }
        generation.result().join();
      }
    } finally {
      working.decrementAndGet();
    }
  }

  /** Checks that the sums of a snapshot agree, and that its counters never decrease. */
  private static void watch(S3Engine engine, AtomicInteger working) {
    EngineSnapshot last = engine.snapshot();
    while (working.get() > 0) {
      EngineSnapshot now = engine.snapshot();
      assertThat(now.requests().submitted())
          .as("%s", now)
          .isEqualTo(now.requests().live() + now.requests().ended().total());
      assertThat(now.requests().live())
          .as("%s", now)
          .isGreaterThanOrEqualTo(now.requests().waiting() + now.requests().running());
      assertThat(now.memory().allocatedBlocks())
          .as("%s", now)
          .isLessThanOrEqualTo(now.memory().reservedBlocks());
      assertThat(now.memory().reservedBlocks()).isBetween(0, FakeExecutor.PROFILE.blockCount());
      assertThat(now.requests().running() == 0 || now.memory().reservedBlocks() > 0)
          .as("%s", now)
          .isTrue();
      assertThat(now.requests().submitted()).isGreaterThanOrEqualTo(last.requests().submitted());
      assertThat(now.work().outputTokens()).isGreaterThanOrEqualTo(last.work().outputTokens());
      assertThat(now.requests().ended().total())
          .isGreaterThanOrEqualTo(last.requests().ended().total());
      last = now;
    }
  }

  private static void guarded(ConcurrentLinkedQueue<Throwable> failures, Runnable work) {
    try {
      work.run();
    } catch (Throwable t) {
      failures.add(t);
    }
  }

  /** One engine with callers at work, until a close ends it. */
  private static final class Round {
    private final ThreadFactory callers;
    private final boolean closesNow;
    private final FakeExecutor executor = FakeExecutor.immediate();
    private final ConcurrentLinkedQueue<Thread> made = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Accepted> accepted = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final CyclicBarrier start = new CyclicBarrier(CALLERS + 1);
    private final CountDownLatch first = new CountDownLatch(CALLERS * SUBMISSIONS / 4);
    private final S3Engine engine;
    private volatile boolean closed;

    Round(ThreadFactory callers, int number) {
      this.callers = callers;
      this.closesNow = number % 2 == 0;
      this.engine =
          S3Engine.builder(executor)
              .threadFactory(
                  work -> {
                    Thread thread = new Thread(work);
                    made.add(thread);
                    return thread;
                  })
              .build();
    }

    void run() throws Exception {
      List<Thread> threads = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        threads.add(callers.newThread(() -> guarded(failures, this::call)));
      }
      threads.forEach(Thread::start);
      start.await();
      first.await(60, TimeUnit.SECONDS);
      if (closesNow) {
        engine.closeNow();
      } else {
        engine.close();
      }
      closed = true;
      for (Thread thread : threads) {
        thread.join();
      }
      assertThat(failures).isEmpty();
      for (Accepted request : accepted) {
        request.checkEnded();
      }
      assertThat(engine.snapshot().requests().ended().total()).isEqualTo(accepted.size());
      assertThat(engine.snapshot().requests().live()).isZero();
      assertThat(engine.snapshot().memory().reservedBlocks()).isZero();
      assertThat(executor.closes).isEqualTo(1);
      for (Thread thread : made) {
        thread.join(10_000);
        assertThat(thread.isAlive()).as("%s after close", thread).isFalse();
      }
    }

    private void call() {
      try {
        start.await();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
      for (int i = 0; submitOne(1 + i % SUBMISSIONS); i++) {
        first.countDown();
      }
      for (long left = first.getCount(); left > 0; left--) {
        first.countDown(); // the engine may be closed before this caller gets further
      }
    }

    /** Submits a request; returns false if the engine is closed. */
    private boolean submitOne(int maxNewTokens) {
      boolean late = closed;
      try {
        Accepted request = new Accepted(submit(engine, maxNewTokens));
        accepted.add(request);
        assertThat(late).as("accepted after close returned").isFalse();
        if (ThreadLocalRandom.current().nextInt(3) == 0) {
          request.cancel();
        }
        return true;
      } catch (QueueFullException e) {
        return true;
      } catch (RequestRefusedException e) {
        assertThat(e.reason()).isEqualTo(RequestRefusedException.Reason.ENGINE_CLOSED);
        return false;
      }
    }
  }

  /** An accepted request, with the number of ends that its stream and its future have reported. */
  private static final class Accepted implements Flow.Subscriber<Integer> {
    private final Generation generation;
    private final AtomicInteger ends = new AtomicInteger();
    private final AtomicInteger tokens = new AtomicInteger();
    private final AtomicInteger results = new AtomicInteger();
    private final CountDownLatch all = new CountDownLatch(2);

    Accepted(Generation generation) {
      this.generation = generation;
      generation.tokens().subscribe(this);
      generation.result().whenComplete((result, error) -> end(results));
    }

    void cancel() {
      generation.cancel();
      generation.cancel();
    }

    void checkEnded() throws Exception {
      GenerationResult result = generation.result().get(60, TimeUnit.SECONDS);
      assertThat(all.await(60, TimeUnit.SECONDS)).isTrue();
      assertThat(tokens.get()).isEqualTo(result.outputTokens());
      if (result.finishReason() == FinishReason.LENGTH) {
        assertThat(tokens.get()).isEqualTo(generation.request().maxNewTokens());
      } else {
        assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
      }
      assertThat(ends.get()).isEqualTo(1);
      assertThat(results.get()).isEqualTo(1);
    }

    private void end(AtomicInteger kind) {
      kind.incrementAndGet();
      all.countDown();
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Integer token) {
      tokens.incrementAndGet();
    }

    @Override
    public void onError(Throwable error) {
      end(ends);
    }

    @Override
    public void onComplete() {
      end(ends);
    }
  }
}
