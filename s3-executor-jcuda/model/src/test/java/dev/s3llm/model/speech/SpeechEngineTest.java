package dev.s3llm.model.speech;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.EngineBuilder;
import dev.s3llm.Generation;
import dev.s3llm.GenerationRequest;
import dev.s3llm.GenerationResult;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.model.speech.CanvasListener.CanvasState;
import dev.s3llm.model.speech.Decoding.Strategy;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthPredictor;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.testkit.HandDrivenEngine;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Recordings through an engine. */
class SpeechEngineTest {
  private static final SpeechConfig CONFIG = HashSpeechDevice.CONFIG;
  private static final int END = CONFIG.endId();
  private static final int LIMIT = 32;

  @Test
  void text_dependsNeitherOnPlannersNorOnPoolsNorOnBatches() {
    List<Supplier<MemoryPlanner>> planners =
        List.of(WorstCasePlanner::new, () -> new S3Planner(10), NeverGrowing::new);
    int preemptions = 0;
    for (Strategy strategy : Strategy.values()) {
      for (Supplier<MemoryPlanner> planner : planners) {
        for (int blocks : new int[] {16, 200}) {
          preemptions += texts(strategy, planner.get(), blocks);
        }
      }
    }
    assertThat(preemptions).isGreaterThan(50);
  }

  /** Runs recordings, checks their texts, and returns how often one was preempted. */
  private static int texts(Strategy strategy, MemoryPlanner planner, int blocks) {
    int preemptions = 0;
    SpeechExecutor executor = executor(new HashSpeechDevice(blocks));
    try (HandDrivenEngine driven =
        HandDrivenEngine.of(
            executor, b -> b.planner(planner).maxRunning(1 + blocks / 15).predictor(liar()))) {
      List<SpeechInput> inputs = IntStream.range(0, 12).mapToObj(i -> input(i, strategy)).toList();
      List<Generation> generations =
          inputs.stream().map(input -> driven.engine().submit(request(input))).toList();
      driven.run();
      for (int i = 0; i < inputs.size(); i++) {
        GenerationResult result = generations.get(i).result().join();
        preemptions += result.preemptions();
        assertThat(result.tokens())
            .as("%s %s %s", strategy, i, planner.name())
            .isEqualTo(expected(inputs.get(i), 3));
      }
      assertThat(executor.canvases()).isZero();
    }
    return preemptions;
  }

  @Test
  void canvasWithoutAnEnd_growsToTwiceItsSize() {
    GenerationResult result = run(recording(13, 2, Decoding.of(Strategy.EASY_FIRST, 3)));

    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.outputTokens()).isEqualTo(14);
    assertThat(result.canvasSlots()).isEqualTo(16);
    assertThat(result.canvasPasses()).isEqualTo(2 + 3); // over canvases of 4 and 8, then 3 of 16
  }

  @Test
  void textLongerThanTheLimit_fillsTheCanvasAndEndsByTheLimit() {
    for (Strategy strategy : Strategy.values()) {
      SpeechInput input = recording(60, 50, Decoding.of(strategy, 3));
      GenerationResult result = run(input);
      assertThat(result.finishReason()).as("%s", strategy).isEqualTo(FinishReason.LENGTH);
      assertThat(result.tokens()).hasSize(LIMIT).isEqualTo(expected(input, 3));
    }
  }

  @ParameterizedTest
  @EnumSource(Strategy.class)
  void recordingWithoutCharacters_hasAnEmptyTextWithoutAPass(Strategy strategy) {
    HashSpeechDevice device = new HashSpeechDevice(60);
    GenerationResult result = run(device, recording(5, 0, Decoding.of(strategy, 3)));
    assertThat(result.tokens()).containsExactly(END);
    assertThat(device.decoded).isEmpty();
  }

  @Test
  void recordings_areEncodedTogetherAndCanvasesFilledTogether() {
    HashSpeechDevice device = new HashSpeechDevice(200);
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor(device), b -> b)) {
      for (int i = 0; i < 3; i++) {
        driven.engine().submit(request(recording(6, 6, Decoding.of(Strategy.EASY_FIRST, 3))));
      }
      driven.run();
    }
    assertThat(device.encoded).containsExactly(3);
    assertThat(device.decoded).containsExactly(3, 3, 3);
  }

  @Test
  void brokenRequest_failsAlone() {
    Decoding easy = Decoding.of(Strategy.EASY_FIRST, 3);
    SpeechInput good = recording(6, 6, easy);
    SpeechInput threeBands = new SpeechInput(new float[3 * 8], 8, easy);
    SpeechInput causal = recording(6, 6, Decoding.of(Strategy.LEFT_TO_RIGHT, 1));
    List<GenerationRequest> requests =
        List.of(
            request(good),
            GenerationRequest.builder(threeBands).maxNewTokens(LIMIT).build(),
            GenerationRequest.builder(1, 2).maxNewTokens(LIMIT).build(),
            GenerationRequest.builder(new Noise()).maxNewTokens(LIMIT).build(),
            GenerationRequest.builder(good, END).stopTokens(END).maxNewTokens(LIMIT).build(),
            GenerationRequest.builder(causal).stopTokens(END).maxNewTokens(LIMIT).build(),
            GenerationRequest.builder(causal, 5).stopTokens(END).maxNewTokens(LIMIT).build(),
            GenerationRequest.builder(good).maxNewTokens(LIMIT).build());
    List<String> messages =
        List.of(
            "",
            "3 numbers a frame, but the model reads 2 mel bands",
            "no SpeechInput but only token ids",
            "Noise",
            "takes no prompt tokens, but the request has 1",
            "starts from one prompt token, the end's id 0, but the request has 0 tokens",
            "but the request has token 5",
            "give it the stop token 0");
    HashSpeechDevice device = new HashSpeechDevice(200);
    try (HandDrivenEngine driven = HandDrivenEngine.of(executor(device), b -> b)) {
      List<Generation> generations =
          requests.stream().map(request -> driven.engine().submit(request)).toList();
      driven.run();
      assertThat(generations.get(0).result().join().tokens()).isEqualTo(expected(good, 3));
      for (int i = 1; i < generations.size(); i++) {
        GenerationResult result = generations.get(i).result().join();
        assertThat(result.finishReason()).isEqualTo(FinishReason.FAILED);
        assertThat(result.failure().orElseThrow()).hasMessageContaining(messages.get(i));
        assertThat(result.retriable()).isFalse();
      }
    }
  }

  @Test
  void canvasLargerThanAStep_failsWithBothNumbers() {
    SpeechInput input = recording(20, 20, Decoding.of(Strategy.EASY_FIRST, 3));
    GenerationResult result = run(new HashSpeechDevice(60, 20), input);
    assertThat(result.finishReason()).isEqualTo(FinishReason.FAILED);
    assertThat(result.failure().orElseThrow())
        .hasMessageContaining("canvas of 32 positions, but a step computes 20");
  }

  @Test
  void passes_areFewerWhileRequestsWait() {
    HashSpeechDevice device = new HashSpeechDevice(200);
    Decoding byLoad = new Decoding(Strategy.EASY_FIRST, 5, 2);
    try (HandDrivenEngine driven = engine(device, b -> b.maxRunning(1))) {
      List<SpeechInput> inputs =
          IntStream.range(0, 3)
              .mapToObj(i -> HashSpeechDevice.recording(i, 10, 10, 8, byLoad))
              .toList();
      List<Generation> generations =
          inputs.stream().map(input -> driven.engine().submit(request(input))).toList();
      driven.run();
      int[] chosen = {2, 2, 5};
      for (int i = 0; i < 3; i++) {
        GenerationResult result = generations.get(i).result().join();
        assertThat(result.tokens()).isEqualTo(expected(inputs.get(i), chosen[i]));
        assertThat(result.canvasPasses()).isEqualTo(chosen[i]);
      }
    }
  }

  @Test
  void listener_seesTheCanvasAfterEachPass() {
    List<CanvasState> states = new ArrayList<>();
    SpeechInput input = recording(6, 2, Decoding.of(Strategy.EASY_FIRST, 3));
    GenerationResult result = run(input.withListener(states::add));

    assertThat(states).extracting(CanvasState::pass).containsExactly(1, 2, 3, 4);
    assertThat(states).extracting(CanvasState::length).containsExactly(-1, 6, 6, 6);
    assertThat(states).extracting(CanvasState::doublings).containsOnly(1);
    assertThat(states).extracting(CanvasState::passes).containsOnly(3);
    CanvasState last = states.get(3);
    assertThat(Arrays.copyOf(last.ids(), 7)).isEqualTo(result.tokens());
    assertThat(Arrays.stream(states.get(2).ids()).filter(id -> id == CONFIG.maskId()).count())
        .isEqualTo(2);
  }

  @Test
  void listenerThatThrows_failsItsRequest() {
    SpeechInput input = recording(6, 2, Decoding.of(Strategy.EASY_FIRST, 3));
    GenerationResult result =
        run(
            input.withListener(
                state -> {
                  throw new IllegalStateException("no picture");
                }));
    assertThat(result.failure().orElseThrow()).hasMessageContaining("no picture");
  }

  // ---- the world

  /** An input that is no recording. */
  private record Noise() implements SequenceStep.Input {
    @Override
    public int slots() {
      return 3;
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

  private static SpeechExecutor executor(SpeechDevice device) {
    return new SpeechExecutor(device, Thread::new);
  }

  private static HandDrivenEngine engine(
      SpeechDevice device, UnaryOperator<EngineBuilder> settings) {
    return HandDrivenEngine.of(executor(device), settings);
  }

  private static GenerationResult run(SpeechInput input) {
    return run(new HashSpeechDevice(60), input);
  }

  private static GenerationResult run(SpeechDevice device, SpeechInput input) {
    try (HandDrivenEngine driven = engine(device, b -> b)) {
      Generation generation = driven.engine().submit(request(input));
      driven.run();
      return generation.result().join();
    }
  }

  private static SpeechInput recording(int length, int ctcLength, Decoding decoding) {
    return HashSpeechDevice.recording(length, length, ctcLength, 8, decoding);
  }

  private static int[] expected(SpeechInput input, int passes) {
    return CanvasStrategyTest.reference(input, HashSpeechDevice.ctc(input), LIMIT)
        .answer(input.decoding().strategy(), passes);
  }

  private static SpeechInput input(int i, Strategy strategy) {
    return HashSpeechDevice.recording(i, 3 + i * 5 % 20, 1 + i, 5 + i, Decoding.of(strategy, 3));
  }

  private static GenerationRequest request(SpeechInput input) {
    boolean causal = input.decoding().strategy() == Strategy.LEFT_TO_RIGHT;
    int[] prompt = causal ? new int[] {END} : new int[0];
    return GenerationRequest.builder(input, prompt).maxNewTokens(LIMIT).stopTokens(END).build();
  }

  private static LengthPredictor liar() {
    return query -> CompletableFuture.completedFuture(LengthPrediction.exactly(3));
  }
}
