package dev.s3llm;

import static dev.s3llm.Engines.result;
import static dev.s3llm.Reasons.failedFor;
import static dev.s3llm.Reasons.refusedFor;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.schedule.SequenceView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests of how requests and the engine end. */
@Timeout(120)
class LifecycleTest {
  private final FakeExecutor executor = FakeExecutor.held();
  private final AtomicLong clock = new AtomicLong();
  private final List<EngineEvent> events = new CopyOnWriteArrayList<>();
  private final S3Engine engine =
      S3Engine.builder(executor).clock(clock::get).listener(events::add).build();

  @AfterEach
  void close() {
    executor.release(1_000_000);
    engine.closeNow();
  }

  @Test
  void stopToken_endsTheAnswerAndIsPartOfIt() throws Exception {
    Generation generation =
        engine.submit(
            GenerationRequest.builder(1).maxNewTokens(50).stopTokens(7).lengthHint(9).build());
    executor.release(100);

    GenerationResult result = result(generation);
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.tokens()).containsExactly(1, 2, 3, 4, 5, 6, 7);
    assertThat(result.prediction()).isPresent();
    assertThat(result.reservedTokens()).isPositive();
    assertThat(result.timeToFirstToken()).isPresent();
  }

  @Test
  void cancelWhileWaiting_endsWithoutTokens() throws Exception {
    List<Generation> running = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      running.add(submit(90)); // as many as run at once
    }
    Generation waiting = submit(90);
    waiting.cancel();
    executor.release(1);

    GenerationResult result = result(waiting);
    assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
    assertThat(result.tokens()).isEmpty();
    assertThat(result.timeToFirstToken()).isEmpty();
    assertThat(running).noneMatch(g -> g.result().isDone());
  }

  @Test
  void cancelWhileRunning_keepsWhatWasGenerated() throws Exception {
    Generation generation = submit(90);
    executor.release(3);
    await().until(() -> engine.snapshot().work().outputTokens() >= 3);
    generation.cancel();
    generation.cancel();
    executor.release(10);

    GenerationResult result = result(generation);
    assertThat(result.finishReason()).isEqualTo(FinishReason.CANCELLED);
    assertThat(result.tokens()).startsWith(1, 2, 3);
    await().until(() -> engine.snapshot().memory().reservedBlocks() == 0);
  }

  @Test
  void cancelAfterTheEnd_changesNothing() throws Exception {
    Generation generation = submit(2);
    executor.release(10);
    result(generation);
    generation.cancel();
    result(submit(1)); // so that a pass has handled the cancellation
    assertThat(result(generation).finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(engine.snapshot().requests().ended().cancelled()).isZero();
  }

  @Test
  void cancelStorm_endsEachOnce() throws Exception {
    List<Generation> all = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      all.add(submit(50));
    }
    executor.release(100_000);
    all.parallelStream().forEach(Generation::cancel);
    for (Generation generation : all) {
      result(generation);
    }
    await().until(() -> engine.snapshot().requests().ended().total() == 200);
    await().until(() -> engine.snapshot().memory().reservedBlocks() == 0);
  }

  @Test
  void futureHandedOut_isACopy() throws Exception {
    Generation generation = submit(2);
    generation.result().cancel(true);
    executor.release(10);
    assertThat(result(generation).finishReason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void deadlineThatIsNotPositive_isRefusedByName() {
    for (Duration past : List.of(Duration.ZERO, Duration.ofDays(-400_000))) {
      assertThatExceptionOfType(IllegalArgumentException.class)
          .isThrownBy(() -> GenerationRequest.builder(1).deadline(past))
          .withMessage("deadline must be positive, but is " + past);
    }
  }

  @Test
  void deadline_endsWhatRuns() throws Exception {
    Generation generation =
        engine.submit(
            GenerationRequest.builder(1)
                .maxNewTokens(90)
                .deadline(Duration.ofNanos(1_000))
                .build());
    Generation forever =
        engine.submit(
            GenerationRequest.builder(1)
                .maxNewTokens(3)
                .deadline(Duration.ofSeconds(Long.MAX_VALUE))
                .build());
    await().until(() -> engine.snapshot().requests().running() > 0);
    clock.set(1_000);
    executor.release(10);

    assertThat(result(generation).finishReason()).isEqualTo(FinishReason.TIMEOUT);
    assertThat(result(generation).total()).isEqualTo(Duration.ofNanos(1_000));
    assertThat(result(forever).finishReason()).isEqualTo(FinishReason.LENGTH);
  }

  @Test
  void clockThatJumpsBack_harmsNothing() throws Exception {
    clock.set(5_000_000);
    Generation generation = submit(3);
    clock.set(-5_000_000);
    executor.release(10);
    assertThat(result(generation).outputTokens()).isEqualTo(3);
  }

  @Test
  void failedStep_failsItsBatchAndTheNextRequestIsServed() throws Exception {
    executor.tamper =
        r -> {
          throw new IllegalStateException("planted");
        };
    Generation bad = submit(5);
    executor.release(1);
    assertThat(result(bad).finishReason()).isEqualTo(FinishReason.FAILED);
    assertThat(result(bad).failure())
        .get(InstanceOfAssertFactories.THROWABLE)
        .satisfies(failedFor(GenerationFailedException.Reason.STEP_FAILED))
        .hasRootCauseMessage("planted");
    assertThat(result(bad).retriable()).isTrue();
    executor.tamper = r -> r;
    Generation good = submit(5);
    executor.release(100);
    assertThat(result(good).outputTokens()).isEqualTo(5);
    assertThat(engine.snapshot().healthy()).isTrue();
  }

  @Test
  void wrongAnswers_areProtocolErrorsOfTheirBatch() throws Exception {
    List<StepResult> wrong =
        List.of(
            StepResult.of(),
            StepResult.of(1, 2),
            StepResult.of(-5),
            StepResult.of(50),
            StepResult.of(Integer.MAX_VALUE),
            StepResult.of(new int[] {1}, Map.of(7, new IllegalStateException("x"))));
    for (StepResult answer : wrong) {
      executor.tamper = r -> answer;
      Generation generation = submit(5);
      executor.release(1);
      assertThat(result(generation).failure()).get().asString().contains("broke its protocol");
    }
    await().until(() -> engine.snapshot().requests().ended().failed() == wrong.size());
    assertThat(engine.snapshot().memory().reservedBlocks()).isZero();
  }

  @Test
  void lostExecutor_failsEverythingAndRefusesMore() throws Exception {
    Generation running = submit(5);
    executor.tamper =
        r -> {
          throw new ExecutorLostException("planted", new IllegalStateException("device"));
        };
    Generation other = submit(5);
    executor.release(1);

    assertThat(result(running).finishReason()).isEqualTo(FinishReason.FAILED);
    assertThat(result(other).finishReason()).isEqualTo(FinishReason.FAILED);
    await().until(() -> !engine.snapshot().healthy());
    assertThatExceptionOfType(RequestRefusedException.class)
        .isThrownBy(() -> submit(5))
        .satisfies(refusedFor(RequestRefusedException.Reason.ENGINE_CLOSED))
        .withMessageContaining("the engine is lost")
        .withMessageContaining("planted");
    await().until(() -> events.stream().anyMatch(e -> e instanceof EngineEvent.EngineLost));
  }

  @Test
  void plannerThatThrows_failsWhatIsPending() throws Exception {
    try (S3Engine broken =
        S3Engine.builder(FakeExecutor.immediate()).planner(new Broken()).build()) {
      Generation generation = broken.submit(GenerationRequest.builder(1).maxNewTokens(3).build());
      assertThat(result(generation).failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.ENGINE_LOST))
          .hasCauseInstanceOf(ArithmeticException.class);
      await().until(() -> !broken.snapshot().healthy());
    }
  }

  @Test
  void gracefulClose_letsLiveRequestsFinish() throws Exception {
    Generation generation = submit(20);
    CompletableFuture<Void> closing = CompletableFuture.runAsync(engine::close);
    executor.release(100);
    closing.get(60, TimeUnit.SECONDS);

    assertThat(result(generation).outputTokens()).isEqualTo(20);
    assertThat(executor.closes).isEqualTo(1);
  }

  @Test
  void closeNow_cancelsLiveRequests() throws Exception {
    Generation running = submit(90);
    Generation waiting = submit(90);
    await().until(() -> engine.snapshot().requests().running() > 0);
    CompletableFuture<Void> closing = CompletableFuture.runAsync(engine::closeNow);
    assertThat(result(waiting).finishReason()).isEqualTo(FinishReason.CANCELLED);
    executor.release(1); // the step in flight ends before the executor is closed
    closing.get(60, TimeUnit.SECONDS);

    assertThat(result(running).finishReason()).isEqualTo(FinishReason.CANCELLED);
    assertThat(executor.closes).isEqualTo(1);
  }

  @Test
  void closeTwiceAndFromManyThreads_closesOnce() throws Exception {
    submit(3);
    executor.release(100);
    List<CompletableFuture<Void>> closings = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      closings.add(CompletableFuture.runAsync(engine::close));
    }
    for (CompletableFuture<Void> closing : closings) {
      closing.get(60, TimeUnit.SECONDS);
    }
    await().untilAsserted(() -> assertThat(executor.closes).isEqualTo(1));
  }

  @Test
  void closeFromACallback_ends() throws Exception {
    CountDownLatch closed = new CountDownLatch(1);
    submit(2)
        .result()
        .thenRun(
            () -> {
              engine.close();
              closed.countDown();
            });
    executor.release(100);
    assertThat(closed.await(60, TimeUnit.SECONDS)).isTrue();
    await().until(() -> executor.closes == 1);
  }

  @Test
  void closeFromACallbackOnTheLoopsThread_ends() throws Exception {
    FakeExecutor immediate = FakeExecutor.immediate();
    S3Engine inline = S3Engine.builder(immediate).callbackExecutor(Runnable::run).build();
    CountDownLatch held = new CountDownLatch(1);
    inline
        .submit(GenerationRequest.builder(1).maxNewTokens(50).build())
        .tokens()
        .subscribe(
            new TokenReader(Long.MAX_VALUE) {
              @Override
              public void onNext(Integer token) {
                inline.closeNow();
                held.countDown();
              }
            });
    assertThat(held.await(60, TimeUnit.SECONDS)).isTrue();
    await().until(() -> immediate.closes == 1);
  }

  @Test
  void stuckExecutor_boundsCloseAndFailsWhatIsPending() throws Exception {
    FakeExecutor stuck = FakeExecutor.held();
    S3Engine hung = S3Engine.builder(stuck).closeTimeout(Duration.ofMillis(200)).build();
    Generation generation = hung.submit(GenerationRequest.builder(1).maxNewTokens(3).build());
    await().until(() -> hung.snapshot().requests().running() == 1);
    hung.close();

    assertThat(result(generation).finishReason()).isEqualTo(FinishReason.CANCELLED);
    assertThat(stuck.closes).isZero(); // its step may still touch the memory
  }

  @Test
  void submissionsDuringClose_areServedOrRefusedAndNeverLost() throws Exception {
    executor.release(1_000_000);
    AtomicInteger refused = new AtomicInteger();
    List<Generation> accepted = new CopyOnWriteArrayList<>();
    Runnable submitting =
        () -> {
          for (int i = 0; i < 200; i++) {
            try {
              accepted.add(submit(2));
            } catch (RequestRefusedException e) {
              refused.incrementAndGet();
            }
          }
        };
    List<CompletableFuture<Void>> callers = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      callers.add(CompletableFuture.runAsync(submitting));
    }
    engine.close();
    for (CompletableFuture<Void> caller : callers) {
      caller.get(60, TimeUnit.SECONDS);
    }
    for (Generation generation : accepted) {
      assertThat(result(generation).finishReason()).isEqualTo(FinishReason.LENGTH);
    }
    assertThat(accepted.size() + refused.get()).isEqualTo(800);
  }

  @Test
  void afterClose_noThreadOfTheEngineIsLeft() throws Exception {
    List<Thread> made = new CopyOnWriteArrayList<>();
    S3Engine own =
        S3Engine.builder(FakeExecutor.immediate())
            .predictor(new EmpiricalLengthPredictor())
            .threadFactory(
                r -> {
                  Thread thread = new Thread(r);
                  made.add(thread);
                  return thread;
                })
            .build();
    result(own.submit(GenerationRequest.builder(1).maxNewTokens(3).build()));
    own.close();
    assertThat(made).isNotEmpty();
    await().untilAsserted(() -> assertThat(made).noneMatch(Thread::isAlive));
  }

  private Generation submit(int maxNewTokens) {
    return engine.submit(GenerationRequest.builder(1).maxNewTokens(maxNewTokens).build());
  }

  private static final class Broken implements MemoryPlanner {
    @Override
    public String name() {
      return "broken";
    }

    @Override
    public MemoryDecision admit(SequenceView candidate, MemoryView view) {
      throw new ArithmeticException("planted");
    }

    @Override
    public MemoryDecision grow(SequenceView sequence, MemoryView view) {
      throw new ArithmeticException("planted");
    }

    @Override
    public int admissionBlocks(SequenceView candidate, MemoryView view) {
      throw new ArithmeticException("planted");
    }
  }
}
