package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.cpu.CpuLogits;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.jcuda.internal.driver.BusyDevice;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.model.testing.CodedTensors;
import dev.s3llm.testkit.ExecutorContract;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Two cards that run every layer together: contract, parity, invariance, a card that is late. */
@GpuTest(devices = 2)
@Timeout(300)
class CudaCardsTest extends ExecutorContract {
  private static final ModelConfig CONFIG = RandomModels.llama(2);

  @Override
  protected Executor create() {
    return RandomModels.gpu(CONFIG).cards(0, 1).featureLayer(1).build();
  }

  static Stream<Arguments> models() {
    return CudaInvarianceTest.models();
  }

  @ParameterizedTest
  @MethodSource("models")
  void tokens_dependOnTheRequestAlone(
      String name, ModelConfig config, Precision precision, KvPrecision kv) {
    List<int[]> oneCard;
    List<int[]> alone;
    List<int[]> together;
    try (JCudaExecutor gpu =
        CudaInvarianceTest.withWeights(name, config).precision(precision).kvPrecision(kv).build()) {
      oneCard = CudaInvarianceTest.alone(gpu);
    }
    try (JCudaExecutor gpu =
        CudaInvarianceTest.withWeights(name, config)
            .precision(precision)
            .kvPrecision(kv)
            .cards(0, 1)
            .persistentDecode(name.startsWith("one launch"))
            .build()) {
      alone = CudaInvarianceTest.alone(gpu);
      together = new CudaInvarianceTest.RandomDrive(gpu, 5).run();
    }
    int asOne = 0;
    for (int i = 0; i < alone.size(); i++) {
      assertThat(together.get(i)).as("%s, request %d", name, i).isEqualTo(alone.get(i));
      asOne += Arrays.equals(oneCard.get(i), alone.get(i)) ? 1 : 0;
    }
    System.out.printf(
        "%s: %d requests bitwise the same alone and together on two cards, %d as on one%n",
        name, alone.size(), asOne);
  }

  /** More rows than are pushed, and few; one key head, which both cards have. */
  @Test
  void logits_areNearTheHosts() {
    ModelConfig[] configs = {
      RandomModels.llama(8),
      RandomModels.llama(2),
      RandomModels.llama(1),
      RandomModels.gptJ(),
      RandomModels.gemma(),
      RandomModels.gptOss(),
      RandomModels.qwen3Moe(),
      RandomModels.olmo2(8),
      RandomModels.olmo2(1)
    };
    for (ModelConfig config : configs) {
      for (WeightFormat format : List.of(WeightFormat.WIDE, WeightFormat.INT8)) {
        double worst = 0;
        double worstOfOne = 0;
        try (CpuExecutor host = RandomModels.host(config).maxTokensPerStep(256).build();
            JCudaExecutor one = RandomModels.gpu(config).weights(format).build();
            JCudaExecutor two = RandomModels.gpu(config).weights(format).cards(0, 1).build()) {
          for (int tokens : new int[] {1, 2, 7, 16, 17, 64, 150, 250}) {
            int[] prompt = new Random(tokens).ints(tokens, 0, 1000).toArray();
            float[] expected = CpuLogits.of(host, alone(prompt));
            worst = Math.max(worst, FamilyParity.error(two.logits(alone(prompt)), expected));
            worstOfOne =
                Math.max(worstOfOne, FamilyParity.error(one.logits(alone(prompt)), expected));
          }
        }
        System.out.printf(
            "%s, %d key heads, %s: worst error %.2e on two cards, %.2e on one%n",
            config.family(), config.kvHeads(), format, worst, worstOfOne);
        assertThat(worst).as("%s, %s", config, format).isLessThan(1.5 * worstOfOne + 1e-3);
      }
    }
  }

  /** Sums of up to a thousand rows, and features, which the first card alone keeps. */
  @Test
  void largePrefill_givesTheBitsOfSmallChunks() {
    int[] prompt = new Random(4).ints(1000, 0, 1000).toArray();
    for (ModelConfig config :
        List.of(RandomModels.llama(2), RandomModels.halves(), RandomModels.olmo2(2))) {
      for (WeightFormat format : List.of(WeightFormat.WIDE, WeightFormat.INT4)) {
        Outcome large = outcome(config, format, 1024, prompt);
        for (int step : new int[] {200, 513, 777}) {
          Outcome small = outcome(config, format, step, prompt);
          assertThat(small.logits)
              .as("%s, %s, chunks of %d", config.family(), format, step)
              .isEqualTo(large.logits);
          assertThat(small.features).isEqualTo(large.features);
        }
      }
    }
  }

  /** What a prompt gives at its last position. */
  @SuppressWarnings("ArrayRecordComponent") // compared by their content
  private record Outcome(float[] logits, float[] features) {}

  private static Outcome outcome(ModelConfig config, WeightFormat format, int step, int... prompt) {
    try (JCudaExecutor gpu =
        JCudaExecutor.builder(config, () -> new RandomTensors(config, 7))
            .kvBytes(64L << 20)
            .swapBytes(0)
            .maxTokensPerStep(1024)
            .weights(format)
            .featureLayer(2)
            .checkKv(true)
            .cards(0, 1)
            .build()) {
      HandDrivenSequence sequence =
          new HandDrivenSequence(
                  1, prompt, SamplingParameters.GREEDY, IntStream.range(0, 64).toArray())
              .features(true)
              .chunk(step);
      while (!sequence.samples()) {
        gpu.execute(sequence.alone()).toCompletableFuture().join();
        sequence.chunk(step);
      }
      float[] features = gpu.execute(sequence.alone()).toCompletableFuture().join().features();
      return new Outcome(gpu.logits(sequence.alone()), features);
    }
  }

  static Stream<Codes.Format> codes() {
    return Stream.of(
            List.of(Codes.Kind.UNSIGNED_4, Codes.Second.NONE),
            List.of(Codes.Kind.UNSIGNED_4, Codes.Second.ZERO),
            List.of(Codes.Kind.UNSIGNED_4, Codes.Second.OFFSET),
            List.of(Codes.Kind.SIGNED_8, Codes.Second.NONE),
            List.of(Codes.Kind.E4M3, Codes.Second.NONE))
        .flatMap(
            pair ->
                Stream.of(32, 64, 128)
                    .map(
                        group ->
                            new Codes.Format(
                                (Codes.Kind) pair.get(0), group, (Codes.Second) pair.get(1))));
  }

  /** What GPTQ, AWQ, compressed-tensors and fp8 folders have. */
  @ParameterizedTest
  @MethodSource("codes")
  void codes_giveTheLogitsOfOneCard(Codes.Format format) {
    for (ModelConfig config :
        List.of(RandomModels.halves(), RandomModels.expertHalves(), RandomModels.llama(2))) {
      requireLogitsOfOneCard(
          config, () -> CodedTensors.of(config, format), WeightFormat.STORED, format.toString());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_1", "Q4_K", "MXFP4"})
  void blocks_giveTheLogitsOfOneCard(ElementType type) {
    List<ModelConfig> configs =
        type == ElementType.Q4_K
            ? List.of(RandomModels.halves())
            : List.of(RandomModels.halves(), RandomModels.expertHalves());
    for (ModelConfig config : configs) {
      requireLogitsOfOneCard(
          config, () -> BlockTensors.of(config, type), WeightFormat.STORED, type.toString());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"INT8", "FP8", "INT4"})
  void roundedWeights_giveTheLogitsOfOneCard(WeightFormat format) {
    for (ModelConfig config : List.of(RandomModels.halves(), RandomModels.expertHalves())) {
      requireLogitsOfOneCard(config, () -> new RandomTensors(config, 7), format, format.toString());
    }
  }

  /** The same codes within the rounding of sums, and the same bits whatever the chunks. */
  private static void requireLogitsOfOneCard(
      ModelConfig config, Supplier<TensorSource> source, WeightFormat format, String name) {
    double[] errors = new double[7];
    try (JCudaExecutor one = stored(config, source, format).build();
        JCudaExecutor two = stored(config, source, format).cards(0, 1).build()) {
      for (int i = 0; i < errors.length; i++) {
        int[] prompt = new Random(i).ints(1 + 37 * i, 0, 1000).toArray();
        float[] own = two.logits(alone(prompt));
        errors[i] = FamilyParity.error(own, one.logits(alone(prompt)));
        HandDrivenSequence sequence = sequence(prompt).chunk(1 + 12 * i);
        while (!sequence.samples()) {
          two.execute(sequence.alone()).toCompletableFuture().join();
          sequence.chunk(1 + 12 * i);
        }
        assertThat(two.logits(sequence.alone())).as("%s, prompt %d", name, i).isEqualTo(own);
      }
    }
    Arrays.sort(errors);
    double median = errors[errors.length / 2]; // a rounding may choose another expert
    System.out.printf(
        "%s, %d experts, %s: error %.2e on two cards against one, worst %.2e%n",
        config.family(), experts(config), name, median, errors[errors.length - 1]);
    assertThat(median).as("%s, %s", config, name).isLessThan(2e-3);
  }

  private static int experts(ModelConfig config) {
    ModelConfig.Experts experts = config.layers().get(0).feedForward().experts();
    return experts == null ? 0 : experts.count();
  }

  private static JCudaExecutor.Builder stored(
      ModelConfig config, Supplier<TensorSource> source, WeightFormat format) {
    return JCudaExecutor.builder(config, source)
        .kvBytes(64L << 20)
        .swapBytes(0)
        .maxTokensPerStep(256)
        .maxSequencesPerStep(64)
        .weights(format);
  }

  @Test
  void blockThatWouldBeCut_isRefusedWithTensorAndSetting() {
    ModelConfig config = RandomModels.wide(2);
    JCudaExecutor.Builder builder =
        stored(config, () -> BlockTensors.of(config, ElementType.Q4_K), WeightFormat.STORED)
            .cards(0, 1);
    assertThatThrownBy(builder::build)
        .isInstanceOf(ModelFormatException.class)
        .hasMessage(
            "cards is [0, 1], but model.layers.0.self_attn.o_proj.weight: columns 0 to 128 of 256"
                + " would cut a group of 256 elements that share a scale");
  }

  private static StepBatch alone(int... prompt) {
    return sequence(prompt).chunk(Integer.MAX_VALUE).alone();
  }

  private static HandDrivenSequence sequence(int... prompt) {
    return new HandDrivenSequence(
        1, prompt, SamplingParameters.GREEDY, IntStream.range(0, 20).toArray());
  }

  /** In a step of a launch for each part, and in one of one launch: a prompt of one token. */
  @ParameterizedTest
  @ValueSource(ints = {5, 1})
  void lateCard_failsTheStepAndIsNamed_andTheNextStepIsServed(int tokens) throws Exception {
    int[] prompt = IntStream.range(5, 5 + tokens).toArray();
    try (Device second = Device.open(1);
        JCudaExecutor gpu =
            RandomModels.gpu(RandomModels.wide(4)).cards(0, 1).persistentDecode(true).build()) {
      int expected = token(gpu, prompt);
      second.makeCurrent();
      CompletableFuture<StepResult> late;
      try (BusyDevice busy = BusyDevice.occupy(second)) {
        late = gpu.execute(alone(prompt)).toCompletableFuture();
        assertThatThrownBy(() -> late.get(12, TimeUnit.SECONDS))
            .as("the second card still has the step's work")
            .isInstanceOf(TimeoutException.class);
        busy.release();
      }
      assertThatThrownBy(late::join)
          .hasCauseInstanceOf(IllegalStateException.class)
          .hasMessageContaining("card 1")
          .hasMessageContaining(
              "did not come to the sum after the attention of layer 0 within 10 s");
      assertThat(token(gpu, prompt)).isEqualTo(expected);
    }
  }

  private static int token(JCudaExecutor gpu, int... prompt) {
    return gpu.execute(alone(prompt)).toCompletableFuture().join().tokens()[0];
  }

  /** Steps of one launch, which fill both cards, of two models that wait for one another's end. */
  @Test
  void twoModelsOnTheSameCards_takeTurns() {
    ModelConfig config = RandomModels.wide(4);
    try (JCudaExecutor first = RandomModels.gpu(config).cards(0, 1).persistentDecode(true).build();
        JCudaExecutor second =
            RandomModels.gpu(config).cards(1, 0).persistentDecode(true).build()) {
      int expected = token(first, 5);
      int other = token(second, 5);
      for (int i = 0; i < 50; i++) {
        CompletableFuture<StepResult> one = first.execute(alone(5)).toCompletableFuture();
        CompletableFuture<StepResult> two = second.execute(alone(5)).toCompletableFuture();
        assertThat(one.join().tokens()[0]).isEqualTo(expected);
        assertThat(two.join().tokens()[0]).isEqualTo(other);
      }
    }
  }

  @Test
  void preemption_changesNoToken() {
    CudaEngineTest.requireSameTokens(
        (kvBytes, swapBytes) -> RandomModels.gpu(CONFIG, kvBytes, swapBytes).cards(0, 1).build());
  }

  @Test
  void memory_isThatOfBothCards() {
    try (JCudaExecutor one = RandomModels.gpu(CONFIG).build();
        JCudaExecutor two = RandomModels.gpu(CONFIG).cards(0, 1).build()) {
      assertThat(two.profile().bytesPerBlock()).isEqualTo(one.profile().bytesPerBlock());
      assertThat(two.profile().blockCount()).isEqualTo(one.profile().blockCount());
      assertThat(two.profile().hostBlockCount()).isEqualTo(one.profile().hostBlockCount());
    }
  }
}
