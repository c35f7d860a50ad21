package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.cpu.CpuLogits;
import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Products with both operands in 8 bits, against the host backend and against themselves. */
@GpuTest
class CudaActivationsTest {
  static List<RoundedInput> inputs() {
    return List.of(RoundedInput.ROW, RoundedInput.GROUP, RoundedInput.fixed(0.02f));
  }

  /**
   * Values that 16 bits move over the middle of two codes get another code than on the host, and
   * every layer has more of them. So the GPU is as far from unrounded logits as the host is, and
   * not further from the host than two such roundings from each other.
   */
  @ParameterizedTest
  @MethodSource("inputs")
  void inputsThatFilesWantRounded_areAsFarFromUnroundedOnesAsOnTheHost(RoundedInput input) {
    for (ModelConfig config : models()) {
      try (CpuExecutor host = host(config, input).build();
          CpuExecutor wide = host(config, input).activations(ActivationFormat.WIDE).build();
          JCudaExecutor gpu = gpu(config, input).build()) {
        float[] exact = CpuLogits.of(wide, WholePrompt.step());
        float[] expected = CpuLogits.of(host, WholePrompt.step());
        float[] actual = gpu.logits(WholePrompt.step());
        double rounding = FamilyParity.error(expected, exact);
        double own = FamilyParity.error(actual, exact);
        double error = FamilyParity.error(actual, expected);
        System.out.printf(
            "%s, %s: rounding moves logits by %.2e on the host, %.2e here; these differ by %.2e%n",
            config.family(), input, rounding, own, error);
        assertThat(own / rounding).as("%s, %s", config.family(), input).isBetween(0.6, 1.6);
        assertThat(error).as("%s, %s", config.family(), input).isLessThan(1.5 * rounding);
      }
    }
  }

  @Test
  void wide_doesNotRound() {
    ModelConfig config = RandomModels.llama(2);
    try (CpuExecutor wide =
            host(config, RoundedInput.ROW).activations(ActivationFormat.WIDE).build();
        JCudaExecutor gpu =
            gpu(config, RoundedInput.ROW).activations(ActivationFormat.WIDE).build()) {
      double error =
          FamilyParity.error(
              gpu.logits(WholePrompt.step()), CpuLogits.of(wide, WholePrompt.step()));
      assertThat(error).isLessThan(1e-2);
    }
  }

  /** Chunks of other sizes take other kernels. */
  @ParameterizedTest
  @EnumSource
  void logits_areBitwiseTheSameInChunksOfAnySize(Precision precision) {
    for (ModelConfig config : models()) {
      try (JCudaExecutor rounded =
              RandomModels.gpu(config)
                  .precision(precision)
                  .weights(WeightFormat.FP8)
                  .activations(ActivationFormat.FP8)
                  .build();
          JCudaExecutor groups = gpu(config, RoundedInput.GROUP).precision(precision).build()) {
        for (JCudaExecutor gpu : List.of(rounded, groups)) {
          float[] whole = gpu.logits(WholePrompt.step());
          for (int size : new int[] {1, 9, 20, 40, 100}) {
            HandDrivenSequence sequence = WholePrompt.sequence().chunk(size);
            while (!sequence.samples()) {
              gpu.execute(sequence.alone()).toCompletableFuture().join();
              sequence.chunk(size);
            }
            float[] logits = gpu.logits(sequence.alone());
            assertThat(logits).as("%s %s chunks of %d", config, precision, size).isEqualTo(whole);
          }
        }
      }
    }
  }

  @Test
  void fp8WithoutFp8Weights_isRefused() {
    JCudaExecutor.Builder builder =
        RandomModels.gpu(RandomModels.llama(2)).activations(ActivationFormat.FP8);
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("activations is FP8, but no matrix");
  }

  /** In Llama's down, whose rows are no whole number of groups, nothing is rounded. */
  private static ModelConfig[] models() {
    return new ModelConfig[] {RandomModels.llama(2), RandomModels.gptJ(), RandomModels.gemma()};
  }

  private static CpuExecutor.Builder host(ModelConfig config, RoundedInput input) {
    return CpuExecutor.builder(config, Fp8Tensors.of(config, input)).maxTokensPerStep(256);
  }

  private static JCudaExecutor.Builder gpu(ModelConfig config, RoundedInput input) {
    return WholePrompt.gpu(config, () -> Fp8Tensors.of(config, input));
  }
}
