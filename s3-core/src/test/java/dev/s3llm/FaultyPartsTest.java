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
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.ForwardingPlanner;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.schedule.SequenceView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests with executors, planners, policies and predictors that throw in each of their methods. */
@Timeout(120)
class FaultyPartsTest {
  private final FakeExecutor executor = FakeExecutor.immediate();

  // ---- the executor

  @ParameterizedTest
  @ValueSource(longs = {0, 1, 7})
  void throwAtAnyStep_failsItsBatchAndTheNextIsServed(long step) throws Exception {
    failsItsBatchOnly(batch -> batch.step() == step);
  }

  @Test
  void throwOnPrefill_failsItsBatchAndTheNextIsServed() throws Exception {
    failsItsBatchOnly(batch -> batch.sequences().get(0).startPosition() == 0);
  }

  @Test
  void throwOnTheLastToken_failsItsBatchAndTheNextIsServed() throws Exception {
    failsItsBatchOnly(batch -> end(batch.sequences().get(0)) == 9);
  }

  private static int end(SequenceStep sequence) {
    return sequence.startPosition() + sequence.tokenCount();
  }

  private void failsItsBatchOnly(Predicate<StepBatch> where) throws Exception {
    AtomicBoolean armed = new AtomicBoolean(true);
    executor.onExecute =
        batch -> {
          if (where.test(batch) && armed.compareAndSet(true, false)) {
            throw new OutOfMemoryError("planted");
          }
        };
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      GenerationResult failed = result(submit(engine, 10));
      assertThat(failed.finishReason()).isEqualTo(FinishReason.FAILED);
      assertThat(failed.retriable()).isTrue();
      assertThat(failed.failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.STEP_FAILED))
          .hasCauseInstanceOf(OutOfMemoryError.class);
      assertServes(engine);
    }
  }

  @Test
  void failureThatCannotBeRead_endsItsRequestAllTheSame() throws Exception {
    executor.onExecute =
        batch -> {
          throw new Unreadable();
        };
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      Generation generation = submit(engine, 3);
      TokenReader reader = TokenReader.of(generation, Long.MAX_VALUE);
      assertThat(result(generation).failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.STEP_FAILED))
          .hasMessageContaining("Unreadable");
      assertThat(reader.awaitEnd()).contains("Unreadable");
    }
  }

  /** An exception whose message throws. */
  private static final class Unreadable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @Override
    public String getMessage() {
      throw new IllegalStateException("planted");
    }
  }

  @ParameterizedTest
  @EnumSource(Thrown.class)
  void executorThatThrowsAnything_failsItsBatchOnly(Thrown thrown) throws Exception {
    AtomicBoolean armed = new AtomicBoolean(true);
    executor.onExecute =
        batch -> {
          if (armed.compareAndSet(true, false)) {
            thrown.throwIt();
          }
        };
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      assertThat(result(submit(engine, 3)).failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.STEP_FAILED));
      assertServes(engine);
    }
  }

  @Test
  void stageThatIsNull_failsItsBatch() throws Exception {
    try (S3Engine engine = S3Engine.builder(new NullExecutor()).build()) {
      assertThat(result(submit(engine, 3)).failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.STEP_FAILED));
      assertThat(engine.health().healthy()).isTrue();
    }
  }

  @Test
  void nullsInAResult_cannotBeMade() {
    Map<Integer, Throwable> nullFailure = new HashMap<>();
    nullFailure.put(0, null);
    assertThatThrownBy(() -> StepResult.of(null, Map.of()))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> StepResult.of(new int[1], null))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> StepResult.of(new int[1], nullFailure))
        .isInstanceOf(NullPointerException.class);
  }

  @ParameterizedTest
  @MethodSource("badReports")
  void reportThatDoesNotFit_failsItsBatchOnly(StepResult bad, String because) throws Exception {
    executor.tamper = r -> bad;
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      assertThat(result(submit(engine, 3)).failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.STEP_FAILED))
          .hasMessageContaining(because);
      executor.tamper = r -> r;
      assertServes(engine);
    }
  }

  static Stream<Arguments> badReports() {
    int[] two = {1, 2};
    return Stream.of(
        Arguments.of(
            StepResult.committing(two, 3).build(), "3 tokens of sequence 0, but 2 are left"),
        Arguments.of(StepResult.committing(two, 1).build(), "2 tokens, but the counts sum up to 1"),
        Arguments.of(StepResult.committing(two, -1).build(), "-1 tokens of sequence 0"),
        Arguments.of(StepResult.committing(two, 1, 1).build(), "2 results for 1 sequences"),
        Arguments.of(StepResult.committing(new int[] {50}, 1).build(), "token 50 of sequence 0"),
        Arguments.of(StepResult.committing(two, 2).slots(1, 2).build(), "not one value for each"),
        Arguments.of(StepResult.committing(two, 2).slots(101).build(), "101 slots"),
        Arguments.of(StepResult.committing(two, 2).stepsLeft(-1).build(), "-1 steps left"),
        Arguments.of(StepResult.committing(new int[0], 0).build(), "nothing to compute"),
        Arguments.of(StepResult.committing(new int[0], 0).slots(1).build(), "nothing to compute"));
  }

  @Test
  void samplerThatThrows_failsItsRequestForGood() throws Exception {
    executor.tamper =
        r -> StepResult.of(new int[] {-1}, Map.of(0, new ArithmeticException("planted")));
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      GenerationResult failed = result(submit(engine, 3));
      assertThat(failed.retriable()).isFalse();
      assertThat(failed.failure())
          .get(InstanceOfAssertFactories.THROWABLE)
          .satisfies(failedFor(GenerationFailedException.Reason.REQUEST_FAULT))
          .hasCauseInstanceOf(ArithmeticException.class)
          .hasMessageContaining(failed.id());
      executor.tamper = r -> r;
      assertServes(engine);
    }
  }

  // ---- planner, policy

  @ParameterizedTest
  @EnumSource(Thrown.class)
  void plannerThatThrows_losesTheEngineAndNoFuture(Thrown thrown) throws Exception {
    AtomicInteger admissions = new AtomicInteger();
    OnDemandPlannerThat planner =
        new OnDemandPlannerThat(
            () -> {
              if (admissions.incrementAndGet() == 3) {
                thrown.throwIt();
              }
            });
    executor.onExecute = batch -> sleep(5); // so that some wait while others run
    S3Engine engine = S3Engine.builder(executor).planner(planner).maxRunning(2).build();
    List<Generation> all = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      submitIfOpen(engine, all);
    }
    for (Generation generation : all) {
      TokenReader reader = TokenReader.of(generation, Long.MAX_VALUE);
      result(generation);
      reader.awaitEnd();
    }
    await().until(() -> !engine.health().healthy());
    assertThat(engine.health().reason()).contains("the engine is lost");
    assertThatThrownBy(() -> submit(engine, 1))
        .satisfies(refusedFor(RequestRefusedException.Reason.ENGINE_CLOSED));
    engine.closeNow();
    assertThat(executor.closes).isEqualTo(1);
  }

  private static void submitIfOpen(S3Engine engine, List<Generation> all) {
    try {
      all.add(submit(engine, 10));
    } catch (RequestRefusedException e) {
      assertThat(e.reason()).isEqualTo(RequestRefusedException.Reason.ENGINE_CLOSED);
      assertThat(all).as("lost before the third").hasSizeGreaterThanOrEqualTo(3);
    }
  }

  @ParameterizedTest
  @EnumSource(Thrown.class)
  void orderThatThrowsHalfWayThroughAPreemption_losesNoFuture(Thrown thrown) throws Exception {
    S3Engine engine =
        S3Engine.builder(executor)
            .planner(new OnDemandPlanner())
            .schedulingPolicy(new Moody(thrown))
            .build();
    List<Generation> all = new ArrayList<>();
    try {
      for (int i = 0; i < 12; i++) { // eight of them outgrow the memory together
        all.add(submit(engine, 95));
      }
    } catch (RequestRefusedException e) {
      assertThat(e.reason()).isEqualTo(RequestRefusedException.Reason.ENGINE_CLOSED);
      assertThat(all).hasSizeGreaterThan(4);
    }
    int failed = 0;
    for (Generation generation : all) {
      failed += result(generation).finishReason() == FinishReason.FAILED ? 1 : 0;
    }
    assertThat(failed).isPositive();
    assertThat(engine.health().healthy()).isFalse();
    engine.closeNow();
  }

  // ---- the predictor

  @ParameterizedTest
  @EnumSource(Thrown.class)
  void predictorThatThrowsAnywhere_changesNoToken(Thrown thrown) throws Exception {
    try (S3Engine engine =
        S3Engine.builder(executor).predictor(new Throwing(thrown)).maxRunning(1).build()) {
      List<Generation> all = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        all.add(submit(engine, 4));
      }
      for (Generation generation : all) {
        assertThat(result(generation).tokens()).containsExactly(1, 2, 3, 4);
      }
      assertThat(engine.snapshot().predictions().fallbacks()).isGreaterThanOrEqualTo(30);
      assertThat(engine.health().healthy()).isTrue();
    }
    assertThat(executor.closes).as("closed although the predictor's close threw").isEqualTo(1);
  }

  @Test
  void predictorThatAnswersNull_orFailsLater_changesNoToken() throws Exception {
    List<CompletionStage<LengthPrediction>> answers = new ArrayList<>();
    answers.add(null);
    answers.add(CompletableFuture.completedFuture(null));
    answers.add(CompletableFuture.failedFuture(new StackOverflowError("planted")));
    answers.add(
        CompletableFuture.supplyAsync(
            () -> {
              throw new OutOfMemoryError("planted");
            }));
    answers.add(new CompletableFuture<>());
    AtomicInteger next = new AtomicInteger();
    LengthPredictor predictor = query -> answers.get(next.getAndIncrement());
    try (S3Engine engine =
        S3Engine.builder(executor)
            .predictor(predictor)
            .predictionBudget(Duration.ofMillis(20))
            .build()) {
      for (int i = 0; i < answers.size(); i++) {
        assertThat(result(submit(engine, 3)).tokens()).containsExactly(1, 2, 3);
      }
      assertThat(engine.snapshot().predictions().fallbacks()).isEqualTo(answers.size());
    }
  }

  @Test
  void budgetWithoutEnd_waitsForThePrediction() throws Exception {
    CompletableFuture<LengthPrediction> answer = new CompletableFuture<>();
    LengthPredictor predictor = query -> answer;
    try (S3Engine engine =
        S3Engine.builder(executor)
            .predictor(predictor)
            .predictionBudget(Duration.ofSeconds(Long.MAX_VALUE))
            .build()) {
      Generation generation = submit(engine, 3);
      await().until(() -> engine.snapshot().requests().predicting() == 1);
      answer.complete(LengthPrediction.exactly(3));
      assertThat(result(generation).tokens()).containsExactly(1, 2, 3);
      assertThat(engine.snapshot().predictions().fallbacks()).isZero();
    }
  }

  @Test
  void predictorThatInterruptsTheLoop_doesNotMakeItSpin() throws Exception {
    AtomicLong looks = new AtomicLong();
    NanoClock counting =
        () -> {
          looks.incrementAndGet();
          return System.nanoTime();
        };
    LengthPredictor predictor =
        query -> {
          Thread.currentThread().interrupt();
          return CompletableFuture.completedFuture(LengthPrediction.exactly(3));
        };
    try (S3Engine engine =
        S3Engine.builder(executor)
            .predictor(predictor)
            .clock(counting)
            .stuckAfter(Duration.ZERO)
            .build()) {
      for (int i = 0; i < 5; i++) { // the first time, setting up flight recording clears the flag
        assertThat(result(submit(engine, 3)).outputTokens()).isEqualTo(3);
      }
      await().until(() -> quiet(looks));
    }
  }

  private static boolean quiet(AtomicLong looks) throws InterruptedException {
    long before = looks.get();
    Thread.sleep(50);
    return looks.get() == before;
  }

  // ---- helpers

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static final class NullExecutor implements dev.s3llm.execute.Executor {
    @Override
    public ExecutorProfile profile() {
      return FakeExecutor.PROFILE;
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      return null;
    }

    @Override
    public void close() {}
  }

  /** A planner that runs an action first. */
  private static final class OnDemandPlannerThat extends ForwardingPlanner {
    private final Runnable first;

    OnDemandPlannerThat(Runnable first) {
      super(new OnDemandPlanner());
      this.first = first;
    }

    @Override
    public MemoryDecision admit(SequenceView candidate, MemoryView view) {
      first.run();
      return super.admit(candidate, view);
    }
  }

  /** A policy that throws for sequences that were preempted. */
  private static final class Moody implements SchedulingPolicy {
    private final SchedulingPolicy order = SchedulingPolicies.firstComeFirstServed();
    private final Thrown thrown;

    Moody(Thrown thrown) {
      this.thrown = thrown;
    }

    @Override
    public String name() {
      return "moody";
    }

    @Override
    public long rank(SequenceView sequence, int admissionBlocks) {
      if (sequence.preemptions() > 0) {
        thrown.throwIt();
      }
      return order.rank(sequence, admissionBlocks);
    }

    @Override
    public boolean skipsUnfit() {
      return order.skipsUnfit();
    }

    @Override
    public int maxOvertakes() {
      return order.maxOvertakes();
    }
  }

  /** A predictor that throws from each of its methods. */
  private static final class Throwing implements LengthPredictor {
    private final Thrown thrown;

    Throwing(Thrown thrown) {
      this.thrown = thrown;
    }

    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      thrown.throwIt();
      throw new AssertionError("unreachable");
    }

    @Override
    public LengthPrediction refresh(LengthQuery query, LengthPrediction earlier) {
      thrown.throwIt();
      return earlier;
    }

    @Override
    public void observe(LengthFeedback feedback) {
      thrown.throwIt();
    }

    @Override
    public void close() {
      thrown.throwIt();
    }
  }
}
