package dev.s3llm;

import static dev.s3llm.Engines.result;
import static dev.s3llm.Engines.submit;
import static dev.s3llm.Reasons.failedFor;
import static dev.s3llm.Reasons.refusedFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests of engines whose executor or loop hangs, with the watchdog on its own thread. */
@Timeout(120)
class StuckEngineTest {
  private final CountDownLatch release = new CountDownLatch(1);
  private final List<EngineEvent> events = new CopyOnWriteArrayList<>();

  /**
   * Warms up: the first pass of a JVM takes long, because it loads classes and sets up recording.
   */
  @BeforeAll
  static void warmUp() throws Exception {
    try (S3Engine engine = S3Engine.builder(FakeExecutor.immediate()).build()) {
      result(submit(engine, 5));
    }
  }

  @AfterEach
  void release() {
    release.countDown();
  }

  @Test
  void hungStep_isNamedFailsWhatIsPendingAndMayComeBack() throws Exception {
    Hanging executor = new Hanging(release);
    S3Engine engine = start(executor);
    List<Generation> all = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      all.add(submit(engine, 5));
    }
    TokenReader reader = TokenReader.of(all.get(0), Long.MAX_VALUE);

    await().until(() -> !engine.health().healthy());
    assertThat(engine.health().reason())
        .contains(
            "step 0 has been in flight for", "thread hanging-step is WAITING", "Hanging.hang");
    assertThat(engine.snapshot().healthy()).isFalse();
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(() -> submit(engine, 5))
        .satisfies(refusedFor(RequestRefusedException.Reason.ENGINE_UNHEALTHY))
        .withMessageContaining("hanging-step");
    for (Generation generation : all) {
      assertStuck(result(generation));
    }
    assertThat(reader.awaitEnd()).contains("the engine is stuck", "hanging-step");

    release.countDown();
    await().until(() -> engine.health().healthy());
    assertThat(result(submit(engine, 5)).finishReason()).isEqualTo(FinishReason.LENGTH);
    await().until(() -> engine.snapshot().memory().reservedBlocks() == 0);
    assertThat(engine.snapshot().requests().ended().failed()).as("each counted once").isEqualTo(10);
    assertThat(reader.tokens).isEmpty();
    assertThat(events).filteredOn(e -> e instanceof EngineEvent.EngineStuck).hasSize(1);
    assertThat(events).filteredOn(e -> e instanceof EngineEvent.EngineRecovered).hasSize(1);
    engine.close();
    assertThat(executor.closed.getCount()).isZero();
  }

  @Test
  void hungLoop_isNamedAndItsRequestsEndOnceThoughItComesBack() throws Exception {
    FakeExecutor executor = FakeExecutor.immediate();
    CompletableFuture<Generation> queued = new CompletableFuture<>();
    S3Engine engine = start(executor);
    executor.onExecute =
        batch -> {
          if (batch.step() == 2) {
            queued.complete(submit(engine, 5)); // no pass will handle this command
            awaitRelease();
          }
        };
    Generation running = submit(engine, 5);
    TokenReader reader = TokenReader.of(running, Long.MAX_VALUE);

    assertStuck(result(running));
    assertStuck(result(queued.get(60, TimeUnit.SECONDS)));
    assertThat(engine.health().reason())
        .contains("a pass has taken", "thread s3-engine-loop-0", "awaitRelease");
    assertThat(reader.awaitEnd()).contains("the engine is stuck");
    int delivered = reader.tokens.size();

    release.countDown();
    await().until(() -> engine.health().healthy());
    assertThat(result(submit(engine, 5)).tokens()).containsExactly(1, 2, 3, 4, 5);
    await().until(() -> engine.snapshot().memory().reservedBlocks() == 0);
    assertThat(reader.tokens).as("none after the end").hasSize(delivered);
    assertStuck(result(running));
    engine.close();
  }

  @Test
  void closeOfAHungEngine_isBoundedAndFailsWhatIsPending() throws Exception {
    FakeExecutor executor = FakeExecutor.immediate();
    executor.onExecute = batch -> awaitRelease();
    CountDownLatch predictorOpen = new CountDownLatch(1);
    S3Engine engine =
        S3Engine.builder(executor)
            .predictor(new ClosingTold(predictorOpen))
            .stuckAfter(Duration.ZERO) // only close() detects that the engine hangs
            .closeTimeout(Duration.ofMillis(100))
            .build();
    Generation running = submit(engine, 5);
    await().until(() -> executor.steps == 1);
    Generation queued = submit(engine, 5);
    engine.close();

    for (Generation generation : List.of(running, queued)) {
      assertThat(result(generation).failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.ENGINE_LOST))
          .hasMessageContaining("the engine was closed");
    }
    assertThat(executor.closes).as("its step may still touch the memory").isZero();
    assertThat(predictorOpen.getCount()).as("the loop may still be in it").isOne();
  }

  /** A predictor that counts down a latch when it is closed. */
  private record ClosingTold(CountDownLatch open) implements LengthPredictor {
    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      return CompletableFuture.completedFuture(LengthPrediction.exactly(3));
    }

    @Override
    public void close() {
      open.countDown();
    }
  }

  @Test
  void executorLostInAHungStep_endsTheEngineForGood() throws Exception {
    Hanging executor = new Hanging(release);
    executor.thenLost = true;
    S3Engine engine = start(executor);
    Generation generation = submit(engine, 5);
    assertStuck(result(generation));
    release.countDown();
    await().until(() -> engine.health().reason().contains("the engine is lost"));
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(() -> submit(engine, 5))
        .satisfies(refusedFor(RequestRefusedException.Reason.ENGINE_CLOSED));
    engine.close();
  }

  @Test
  void watchdogThatIsOff_hasNoThread() {
    List<Thread> made = new CopyOnWriteArrayList<>();
    for (Duration limit : List.of(Duration.ZERO, Duration.ofHours(1))) {
      made.clear();
      S3Engine engine =
          S3Engine.builder(FakeExecutor.immediate())
              .stuckAfter(limit)
              .callbackExecutor(Runnable::run)
              .threadFactory(
                  task -> {
                    Thread thread = new Thread(task);
                    made.add(thread);
                    return thread;
                  })
              .build();
      assertThat(made).hasSize(limit.isZero() ? 1 : 2);
      engine.close();
      await().until(() -> made.stream().noneMatch(Thread::isAlive));
    }
  }

  private void awaitRelease() {
    try {
      release.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void assertStuck(GenerationResult result) {
    assertThat(result.finishReason()).isEqualTo(FinishReason.FAILED);
    assertThat(result.failure())
        .get(InstanceOfAssertFactories.THROWABLE)
        .satisfies(failedFor(GenerationFailedException.Reason.ENGINE_STUCK));
    assertThat(result.retriable()).isTrue();
  }

  private S3Engine start(dev.s3llm.execute.Executor executor) {
    return S3Engine.builder(executor)
        .stuckAfter(Duration.ofMillis(800))
        .listener(events::add)
        .build();
  }

  /** An executor whose first step waits for a latch, on a thread of its own. */
  private static final class Hanging extends ForwardingExecutor {
    private final CountDownLatch release;
    final CountDownLatch closed = new CountDownLatch(1);
    volatile boolean thenLost;
    private volatile Thread stepThread;

    Hanging(CountDownLatch release) {
      super(FakeExecutor.immediate());
      this.release = release;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      if (batch.step() > 0) {
        return super.execute(batch);
      }
      StepResult result = super.execute(batch).toCompletableFuture().join();
      CompletableFuture<StepResult> step = new CompletableFuture<>();
      stepThread = new Thread(() -> hang(step, result), "hanging-step");
      stepThread.setDaemon(true);
      stepThread.start();
      return step;
    }

    private void hang(CompletableFuture<StepResult> step, StepResult result) {
      try {
        release.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      if (thenLost) {
        step.completeExceptionally(new ExecutorLostException("gone", new Exception()));
      } else {
        step.complete(result);
      }
    }

    @Override
    public Optional<Thread> stepThread() {
      return Optional.ofNullable(stepThread);
    }

    @Override
    public void close() {
      closed.countDown();
    }
  }
}
