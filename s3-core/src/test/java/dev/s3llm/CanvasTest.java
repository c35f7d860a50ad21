package dev.s3llm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.testkit.HandDrivenEngine;
import dev.s3llm.testkit.HashExecutor;
import dev.s3llm.testkit.HashExecutor.Decoding;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Tests of requests that are decoded on a canvas, or several tokens at a time. */
class CanvasTest {
  private static final int BLOCK = 4;
  private static final int[] STOPS = {7, 11, 17};
  private final List<EngineEvent> events = new ArrayList<>();
  private final List<LengthFeedback> feedback = new ArrayList<>();

  @Test
  void text_dependsNeitherOnPlannersNorOnPoolsNorOnBatches() {
    List<Supplier<MemoryPlanner>> planners =
        List.of(
            WorstCasePlanner::new,
            S3Planner::new,
            OnDemandPlanner::new,
            ForecastPlanner::new,
            NeverGrowing::new);
    int preemptions = 0;
    for (Decoding decoding : Decoding.values()) {
      for (Supplier<MemoryPlanner> planner : planners) {
        for (int blocks : new int[] {24, 60, 400}) {
          preemptions += texts(decoding, planner.get(), blocks, 1 + blocks / 40);
        }
      }
    }
    assertThat(preemptions).isGreaterThan(100);
  }

  /** Runs 20 requests, checks their texts, and returns how often one was preempted. */
  private int texts(Decoding decoding, MemoryPlanner planner, int blocks, int running) {
    int preemptions = 0;
    HashExecutor hash = new HashExecutor(profile(blocks, decoding), decoding);
    try (HandDrivenEngine driven =
        engine(hash, b -> b.planner(planner).maxRunning(running).predictor(new Liar(2)))) {
      List<Generation> generations = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        generations.add(driven.engine().submit(request(i, decoding == Decoding.CANVAS)));
      }
      driven.run();
      for (int i = 0; i < 20; i++) {
        GenerationResult result = generations.get(i).result().join();
        preemptions += result.preemptions();
        assertThat(result.tokens())
            .as("%s %s %s", decoding, i, planner.name())
            .isEqualTo(text(i, decoding));
      }
      assertThat(hash.canvases()).isZero();
    }
    return preemptions;
  }

  @Test
  void canvasLargerThanItsReservation_growsInPlaceByTwiceAtLeast() {
    GenerationResult result = run(400, new S3Planner(10), 3);

    List<EngineEvent.Grown> growths = all(EngineEvent.Grown.class);
    int output = outputSlots(all(EngineEvent.Admitted.class).get(0).reservedBlocks(), result);
    assertThat(growths).isNotEmpty();
    for (EngineEvent.Grown grown : growths) {
      int enlarged = outputSlots(grown.reservedBlocks(), result);
      assertThat(enlarged).isGreaterThanOrEqualTo(Math.min(24, 2 * output));
      output = enlarged;
    }
    assertThat(output).isGreaterThanOrEqualTo(result.canvasSlots());
    assertThat(result.preemptions()).isZero();
    assertThat(result.explanation().usedTokens())
        .isEqualTo(result.promptTokens() + result.canvasSlots());
  }

  @Test
  void staticCache_growsByTwiceAtLeast() {
    HashExecutor hash = new HashExecutor(profile(400, Decoding.CANVAS));
    int index = longAnswer();
    try (HandDrivenEngine driven =
        engine(hash, b -> b.planner(new OnDemandPlanner()).listener(events::add))) {
      Generation generation = driven.engine().submit(request(index, false));
      driven.run();
      GenerationResult result = generation.result().join();

      assertThat(result.tokens()).isEqualTo(text(index, Decoding.TOKEN));
      assertThat(result.canvasSlots()).isZero();
      assertThat(all(EngineEvent.Grown.class)).hasSizeGreaterThan(1);
      int output = outputSlots(all(EngineEvent.Admitted.class).get(0).reservedBlocks(), result);
      for (EngineEvent.Grown grown : all(EngineEvent.Grown.class)) {
        assertThat(outputSlots(grown.reservedBlocks(), result))
            .isGreaterThanOrEqualTo(Math.min(24, 2 * output));
        output = outputSlots(grown.reservedBlocks(), result);
      }
      assertThat(output).isGreaterThanOrEqualTo(result.outputTokens() - 1);
    }
  }

  /** Returns a request whose answer is long enough to outgrow a block a few times. */
  private static int longAnswer() {
    return IntStream.range(0, 100)
        .filter(i -> text(i, Decoding.TOKEN).length > 16)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void canvasThatMayNotGrow_startsOverWithTwiceAtLeast() {
    GenerationResult result = run(400, new NeverGrowing(), 3);

    List<EngineEvent.Admitted> admissions = all(EngineEvent.Admitted.class);
    assertThat(result.preemptions()).isPositive();
    assertThat(admissions).hasSize(result.preemptions() + 1);
    for (int i = 1; i < admissions.size(); i++) {
      int before = outputSlots(admissions.get(i - 1).reservedBlocks(), result);
      assertThat(outputSlots(admissions.get(i).reservedBlocks(), result))
          .isGreaterThanOrEqualTo(Math.min(24, 2 * before));
    }
    assertThat(all(EngineEvent.Preempted.class))
        .allMatch(preempted -> preempted.mode().name().equals("RECOMPUTE"));
  }

  @Test
  void predictor_learnsTheSlotsOfTheCanvas() {
    GenerationResult result = run(400, new WorstCasePlanner(), 3);

    assertThat(feedback).hasSize(1);
    assertThat(feedback.get(0).actualTokens()).isEqualTo(result.canvasSlots());
    assertThat(result.canvasSlots()).isGreaterThanOrEqualTo(result.outputTokens());
    assertThat(result.canvasPasses()).isPositive();
  }

  @Test
  void tokenAfterTheStopOrTheLimit_isIgnored() {
    StepResult several = StepResult.committing(new int[] {1, 2, 7, 4, 5}, 5).build();
    GenerationRequest.Builder three = GenerationRequest.builder(1).maxNewTokens(3);
    GenerationResult stopped =
        scripted(several, GenerationRequest.builder(1).maxNewTokens(9).stopTokens(7).build());
    GenerationResult cut = scripted(several, three.build());

    assertThat(stopped.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(stopped.tokens()).containsExactly(1, 2, 7);
    assertThat(cut.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(cut.tokens()).containsExactly(1, 2, 7);
  }

  @Test
  void executorThatCommitsNothingForEver_failsTheRequest() {
    StepResult silent = StepResult.committing(new int[0], 0).slots(3).build();
    GenerationResult result =
        scripted(silent, GenerationRequest.builder(1).maxNewTokens(2).build());

    assertThat(result.finishReason()).isEqualTo(FinishReason.FAILED);
    assertThat(result.failure().orElseThrow()).hasMessageContaining("steps without a token");
    assertThat(result.retriable()).isFalse();
  }

  @Test
  void canvasAboveTheEnginesBudget_runsAlone() {
    HashExecutor hash = new HashExecutor(profile(400, Decoding.CANVAS), Decoding.CANVAS);
    try (HandDrivenEngine driven = engine(hash, b -> b.maxTokensPerStep(5).maxRunning(4))) {
      List<Generation> generations =
          IntStream.range(0, 12).mapToObj(i -> driven.engine().submit(request(i, true))).toList();
      driven.run();
      assertThat(generations)
          .allMatch(g -> g.result().join().finishReason() != FinishReason.FAILED);
    }
  }

  @Test
  void batch_saysHowManyWait() {
    List<Integer> waiting = new ArrayList<>();
    Executor listening =
        new ForwardingExecutor(immediate(new HashExecutor(profile(400, Decoding.TOKEN)))) {
          @Override
          public CompletionStage<StepResult> execute(StepBatch batch) {
            waiting.add(batch.waiting());
            return super.execute(batch);
          }
        };
    try (HandDrivenEngine driven = HandDrivenEngine.of(listening, b -> b.maxRunning(1))) {
      for (int i = 0; i < 3; i++) {
        driven.engine().submit(request(i, false));
      }
      driven.run();
    }
    assertThat(waiting.get(0)).isEqualTo(2);
    assertThat(waiting.get(waiting.size() - 1)).isZero();
  }

  @Test
  void whatNoExecutorSupports_isRefusedWithItsName() {
    HashExecutor hash = new HashExecutor(profile(60, Decoding.TOKEN));
    try (HandDrivenEngine driven = engine(hash, b -> b)) {
      refused(driven, GenerationRequest.builder(new Sound(3, 1), 1).build(), "token ids only");
      refused(driven, GenerationRequest.builder(1).logProbabilities(2).build(), "logProbabilities");
      refused(driven, GenerationRequest.builder(1).features(true).build(), "features");
      refused(
          driven,
          GenerationRequest.builder(1).tokenConstraint(new OneToken(1)).build(),
          "tokenConstraint");
    }
    HashExecutor masked = new HashExecutor(profile(400, Decoding.CANVAS), Decoding.CANVAS);
    GenerationRequest large = GenerationRequest.builder(new Sound(65, 1)).maxNewTokens(4).build();
    try (HandDrivenEngine driven = engine(masked, b -> b)) {
      refused(driven, large, "a step computes 64");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerationRequest.builder(new Sound(0, 1)))
        .withMessageContaining("at least one slot");
    assertThat(GenerationRequest.builder(new Sound(3, 1), 5, 6).build().promptLength())
        .isEqualTo(5);
  }

  private static void refused(HandDrivenEngine driven, GenerationRequest request, String because) {
    assertThatThrownBy(() -> driven.engine().submit(request))
        .isInstanceOf(RequestRefusedException.class)
        .hasMessageContaining(because);
  }

  // ---- the world

  private GenerationResult run(int blocks, MemoryPlanner planner, int seed) {
    HashExecutor hash = new HashExecutor(profile(blocks, Decoding.CANVAS), Decoding.CANVAS);
    try (HandDrivenEngine driven =
        engine(hash, b -> b.planner(planner).predictor(new Liar(1)).listener(events::add))) {
      Generation generation = driven.engine().submit(request(seed, true));
      driven.run();
      GenerationResult result = generation.result().join();
      assertThat(result.tokens()).isEqualTo(text(seed, Decoding.CANVAS));
      return result;
    }
  }

  private static GenerationResult scripted(StepResult always, GenerationRequest request) {
    ExecutorProfile profile = profile(60, Decoding.CANVAS);
    Executor executor =
        new ForwardingExecutor(new HashExecutor(profile)) {
          @Override
          public CompletionStage<StepResult> execute(StepBatch batch) {
            return CompletableFuture.completedFuture(always);
          }
        };
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b)) {
      Generation generation = driven.engine().submit(request);
      driven.run();
      return generation.result().join();
    }
  }

  private HandDrivenEngine engine(HashExecutor hash, UnaryOperator<EngineBuilder> settings) {
    return HandDrivenEngine.of(immediate(hash), settings);
  }

  private static Executor immediate(HashExecutor hash) {
    return new ForwardingExecutor(hash) {
      @Override
      public CompletionStage<StepResult> execute(StepBatch batch) {
        return CompletableFuture.completedFuture(hash.run(batch));
      }
    };
  }

  private static ExecutorProfile profile(int blocks, Decoding decoding) {
    boolean masked = decoding == Decoding.CANVAS;
    return ExecutorProfile.builder()
        .kvBlocks(blocks, BLOCK, 64)
        .hostBlocks(8)
        .maxContextTokens(80)
        .maxTokensPerStep(64)
        .maxSequencesPerStep(16)
        .vocabularySize(50)
        .growth(masked ? KvGrowth.FIXED_CANVAS : KvGrowth.PER_BLOCK)
        .canvasPasses(masked ? 2 : 0)
        .takesInputs(masked)
        .build();
  }

  private static GenerationRequest request(int seed, boolean sound) {
    int[] prompt = IntStream.range(0, 5 + seed % 7).map(i -> (seed * 13 + i) % 50).toArray();
    GenerationRequest.Builder builder =
        sound
            ? GenerationRequest.builder(new Sound(10 + seed, seed), prompt)
            : GenerationRequest.builder(prompt);
    return builder
        .maxNewTokens(24)
        .stopTokens(STOPS)
        .sampling(SamplingParameters.ofTemperature(1, seed))
        .build();
  }

  private static int[] text(int seed, Decoding decoding) {
    GenerationRequest request = request(seed, decoding == Decoding.CANVAS);
    return HashExecutor.expected(
        decoding,
        request.input().orElse(null),
        request.promptTokens(),
        request.sampling(),
        request.maxNewTokens(),
        request.stopTokens(),
        50);
  }

  private static int outputSlots(int reservedBlocks, GenerationResult result) {
    return reservedBlocks * BLOCK - result.promptTokens();
  }

  private <E extends EngineEvent> List<E> all(Class<E> type) {
    return events.stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** An opaque input. */
  private record Sound(int slots, int content) implements SequenceStep.Input {}

  /** A predictor that always predicts the same length, and keeps the feedback. */
  private final class Liar implements LengthPredictor {
    private final int tokens;

    Liar(int tokens) {
      this.tokens = tokens;
    }

    @Override
    public CompletionStage<LengthPrediction> predict(LengthQuery query) {
      return CompletableFuture.completedFuture(LengthPrediction.exactly(tokens));
    }

    @Override
    public void observe(LengthFeedback observed) {
      feedback.add(observed);
    }
  }

  /** A planner that reserves what is needed now, and never agrees to more. */
  private static final class NeverGrowing implements MemoryPlanner {
    @Override
    public String name() {
      return "never growing";
    }

    @Override
    public int admissionBlocks(SequenceView candidate, MemoryView view) {
      return view.blocksFor(candidate.slotsNeeded());
    }

    @Override
    public MemoryDecision admit(SequenceView candidate, MemoryView view) {
      return new MemoryDecision.Reserve(admissionBlocks(candidate, view), "needed now");
    }

    @Override
    public MemoryDecision grow(SequenceView sequence, MemoryView view) {
      return new MemoryDecision.Defer(Integer.MAX_VALUE, "never");
    }
  }
}
