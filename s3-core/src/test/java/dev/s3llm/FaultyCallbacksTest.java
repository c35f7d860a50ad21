package dev.s3llm;

import static dev.s3llm.Engines.assertServes;
import static dev.s3llm.Engines.result;
import static dev.s3llm.Engines.submit;
import static dev.s3llm.Reasons.failedFor;
import static dev.s3llm.Reasons.refusedFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.QueueFullException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests with user code that throws or blocks, and with engine threads that die. */
@Timeout(120)
class FaultyCallbacksTest {
  private final FakeExecutor executor = FakeExecutor.immediate();

  /** Warms up: the first pass of a JVM takes so long that the watchdog would report it. */
  @BeforeAll
  static void warmUp() throws Exception {
    try (S3Engine engine = S3Engine.builder(FakeExecutor.immediate()).build()) {
      result(submit(engine, 1));
    }
  }

  // ---- callbacks

  @ParameterizedTest
  @EnumSource(Thrown.class)
  void subscriberThatThrows_losesItsOwnRequestWhereverItRuns(Thrown thrown) throws Exception {
    try (S3Engine inPlace = S3Engine.builder(executor).callbackExecutor(Runnable::run).build();
        S3Engine pooled = S3Engine.builder(FakeExecutor.immediate()).build()) {
      for (S3Engine engine : List.of(inPlace, pooled)) {
        Generation bad = submit(engine, 95);
        bad.tokens()
            .subscribe(
                new TokenReader(Long.MAX_VALUE) {
                  @Override
                  public void onNext(Integer token) {
                    thrown.throwIt();
                  }
                });
        assertThat(result(bad).finishReason()).isIn(FinishReason.CANCELLED, FinishReason.LENGTH);
        assertServes(engine);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Thrown.class)
  void listenerThatThrows_isCountedAndGetsTheNextEvent(Thrown thrown) throws Exception {
    AtomicInteger calls = new AtomicInteger();
    List<EngineEvent> other = new CopyOnWriteArrayList<>();
    try (S3Engine engine =
        S3Engine.builder(executor)
            .callbackExecutor(Runnable::run)
            .listener(
                event -> {
                  calls.incrementAndGet();
                  thrown.throwIt();
                })
            .listener(other::add)
            .build()) {
      assertServes(engine);
      await().until(() -> calls.get() > 3);
      assertThat(other).hasSizeGreaterThan(3);
      assertServes(engine);
      assertThat(engine.snapshot().faults().callbackFailures()).isPositive();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void callbackExecutorThatThrows_losesNoFutureAndNoStream(int kind) throws Exception {
    Executor broken =
        task -> {
          switch (kind) {
            case 0 -> throw new RejectedExecutionException("planted");
            case 1 -> throw new IllegalStateException("planted");
            default -> throw new OutOfMemoryError("unable to create native thread");
          }
        };
    FakeExecutor held = FakeExecutor.held();
    S3Engine engine = S3Engine.builder(held).callbackExecutor(broken).listener(event -> {}).build();
    Generation generation = submit(engine, 5);
    TokenReader reader = TokenReader.of(generation, Long.MAX_VALUE);
    held.release(100);
    assertThat(result(generation).tokens()).containsExactly(1, 2, 3, 4, 5);
    assertThat(generation.estimate().get(60, TimeUnit.SECONDS)).isEmpty();
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.tokens).containsExactly(1, 2, 3, 4, 5);
    engine.close();
  }

  @Test
  void callbacksThatBlock_holdUpOthersForAMomentOnly() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch blocked = new CountDownLatch(6);
    FakeExecutor held = FakeExecutor.held(); // a request that has ended calls back in place
    try (S3Engine engine = S3Engine.builder(held).stuckAfter(Duration.ofMillis(400)).build()) {
      for (int i = 0; i < 6; i++) { // more than the pool has threads
        submit(engine, 1)
            .result()
            .thenRun(
                () -> {
                  blocked.countDown();
                  awaitUninterrupted(release);
                });
      }
      held.release(1_000);
      assertThat(blocked.await(60, TimeUnit.SECONDS)).isTrue();
      assertServes(engine);
      release.countDown();
    }
  }

  @Test
  void resultsThatNobodyTakes_areNoMoreThanMayBeLive() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    ExecutorService single = Executors.newSingleThreadExecutor();
    single.execute(() -> awaitUninterrupted(release));
    List<Generation> accepted = new ArrayList<>();
    try (S3Engine engine =
        S3Engine.builder(executor).callbackExecutor(single).maxLiveRequests(50).build()) {
      for (int i = 0; i < 50; i++) {
        accepted.add(submit(engine, 1));
      }
      await().until(() -> engine.snapshot().requests().ended().cutAtLimit() == 50);
      assertThat(engine.liveRequests()).isEqualTo(50);
      assertThatThrownBy(() -> submit(engine, 1)).isInstanceOf(QueueFullException.class);
      release.countDown();
      for (Generation generation : accepted) {
        assertThat(result(generation).outputTokens()).isEqualTo(1);
      }
      assertServes(engine);
    } finally {
      single.shutdown();
    }
  }

  @Test
  void placeOfARequest_isFreeWhenItsResultIsThere() throws Exception {
    try (S3Engine engine = S3Engine.builder(executor).maxLiveRequests(1).build()) {
      for (int i = 0; i < 200; i++) { // until a submission is refused
        assertThat(result(submit(engine, 1)).outputTokens()).isEqualTo(1);
      }
    }
  }

  // ---- the loop's thread

  @Test
  void threadThatDies_losesNoFutureAndRefusesMore() throws Exception {
    AtomicBoolean broken = new AtomicBoolean();
    NanoClock clock =
        () -> {
          if (broken.get() && Thread.currentThread().getName().equals("dying-0")) {
            throw new StackOverflowError("planted"); // even while failing what is pending
          }
          return System.nanoTime();
        };
    List<Thread> made = new CopyOnWriteArrayList<>();
    FakeExecutor held = FakeExecutor.held();
    S3Engine engine =
        S3Engine.builder(held)
            .clock(clock)
            .threadFactory(
                task -> {
                  Thread thread = new Thread(task, "dying-" + made.size());
                  thread.setDaemon(true);
                  made.add(thread);
                  return thread;
                })
            .callbackExecutor(Runnable::run)
            .closeTimeout(Duration.ofMillis(100))
            .build();
    List<Generation> all = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      all.add(submit(engine, 5));
    }
    TokenReader reader = TokenReader.of(all.get(11), 1);
    await().until(() -> held.steps == 1);
    broken.set(true);
    held.release(1);

    for (Generation generation : all) {
      assertThat(result(generation).failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.ENGINE_LOST))
          .hasCauseInstanceOf(StackOverflowError.class);
    }
    assertThat(reader.awaitEnd()).contains("the engine is lost");
    await().until(() -> !made.get(0).isAlive());
    assertThat(engine.health().healthy()).isFalse();
    assertThatThrownBy(() -> submit(engine, 1))
        .satisfies(refusedFor(RequestRefusedException.Reason.ENGINE_CLOSED));
    engine.close();
    assertThat(held.closes).as("the step may still run").isZero();
    await().until(() -> made.stream().noneMatch(Thread::isAlive));
  }

  @Test
  void threadThatNeverRan_isNoticed() throws Exception {
    AtomicInteger made = new AtomicInteger();
    S3Engine engine =
        S3Engine.builder(executor)
            .threadFactory(
                task -> {
                  boolean loops = made.getAndIncrement() == 0;
                  Thread thread = new Thread(loops ? () -> {} : task, "factory-" + made);
                  thread.setDaemon(true);
                  return thread;
                })
            .callbackExecutor(Runnable::run)
            .stuckAfter(Duration.ofMillis(400))
            .closeTimeout(Duration.ofMillis(100))
            .build();
    List<Generation> accepted = new ArrayList<>();
    await()
        .until(
            () -> {
              try {
                accepted.add(submit(engine, 1));
                return false;
              } catch (RequestRefusedException e) {
                assertThat(e.reason()).isEqualTo(RequestRefusedException.Reason.ENGINE_UNHEALTHY);
                return e.getMessage().contains("thread factory-1 has died");
              }
            });
    for (Generation generation : accepted) {
      assertThat(result(generation).failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.ENGINE_LOST));
    }
    engine.close();
  }

  // ---- helpers

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
