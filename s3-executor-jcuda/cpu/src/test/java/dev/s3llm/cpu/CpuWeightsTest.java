package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.model.ActivationFormat;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.WeightFormat;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Weights that are rounded as they are read. */
class CpuWeightsTest {
  private static final ModelConfig CONFIG =
      new ModelShapes.Sizes(96, 128, 2, 4, 2, 32, 256, 256).llama(true, 3);

  /** Bits of the products' weights, scales included: 16 of a block of 32 or 0. */
  @ParameterizedTest
  @CsvSource({"STORED, 16", "WIDE, 32", "INT8, 8.5", "FP8, 16", "INT4, 4.5"})
  void bytes_areThoseOfTheFormat(WeightFormat format, double bits) {
    ModelTensors tensors = ModelTensors.of(CONFIG, new RandomTensors(CONFIG, 1));
    long embedding = tensors.embedding().elements();
    long products = CONFIG.activeParameters() - tensors.output().matrix().elements();
    boolean wide = format == WeightFormat.WIDE; // the tied output matrix is then one of its own
    CpuWeights weights = CpuWeights.read(CONFIG, tensors.in(format));
    double tied = wide ? Float.BYTES * embedding : 0;
    double expected = Short.BYTES * embedding + tied + products * bits / Byte.SIZE;
    assertThat((double) weights.bytes()).isCloseTo(expected, within(0.02 * expected));
  }

  @ParameterizedTest
  @CsvSource({"WIDE, 0, 0", "INT8, 1e-4, 0.15", "FP8, 1e-3, 0.4", "INT4, 1e-2, 2.5"})
  void scores_areNearThoseOfStoredWeights(WeightFormat format, double least, double most) {
    int[] text = new Random(2).ints(60, 0, CONFIG.vocabularySize()).toArray();
    double[] expected = scores(WeightFormat.STORED, text);
    double[] actual = scores(format, text);
    double error = 0;
    for (int i = 0; i < actual.length; i++) {
      error = Math.max(error, Math.abs(actual[i] - expected[i]));
    }
    assertThat(error).isBetween(least, most);
  }

  @Test
  void scoresWithRoundedActivations_areNearThoseWithout() {
    int[] text = new Random(2).ints(60, 0, CONFIG.vocabularySize()).toArray();
    double[] expected = scores(WeightFormat.FP8, text);
    double[] actual = rounded(text);
    double error = 0;
    for (int i = 0; i < actual.length; i++) {
      error = Math.max(error, Math.abs(actual[i] - expected[i]));
    }
    assertThat(error).isBetween(1e-3, 0.5);
    double[] shorter = rounded(Arrays.copyOf(text, 30));
    assertThat(shorter).containsExactly(Arrays.copyOf(actual, 29)); // a row is rounded by itself
  }

  @Test
  void roundedActivationsForOtherWeights_areRefused() {
    CpuExecutor.Builder builder =
        CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1))
            .weights(WeightFormat.INT8)
            .activations(ActivationFormat.FP8);
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("activations is FP8")
        .hasMessageContaining("weights is INT8");
  }

  private static double[] rounded(int... text) {
    return scores(
        CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1))
            .weights(WeightFormat.FP8)
            .activations(ActivationFormat.FP8),
        text);
  }

  private static double[] scores(WeightFormat format, int... text) {
    return scores(CpuExecutor.builder(CONFIG, new RandomTensors(CONFIG, 1)).weights(format), text);
  }

  private static double[] scores(CpuExecutor.Builder builder, int... text) {
    try (CpuExecutor executor = builder.build()) {
      return executor.scores(text);
    }
  }
}
