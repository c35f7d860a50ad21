package dev.s3llm.jcuda;

import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.WeightFormat;
import java.util.List;

/**
 * Measures decode steps of a model of Llama 8B's widths in the formats of a Q4_K_M file, with
 * random weights, as the file has them and widened. Arguments: the layers, then points such as
 * 64x512, sequences by prompt tokens.
 */
final class BlockSteps {
  private BlockSteps() {}

  public static void main(String[] args) {
    int layers = Integer.parseInt(args[0]);
    ModelConfig config =
        new ModelShapes.Sizes(128_256, 4096, layers, 32, 8, 128, 14_336, 2048).llama(false);
    for (WeightFormat format : List.of(WeightFormat.STORED, WeightFormat.WIDE)) {
      try (JCudaExecutor gpu =
          JCudaExecutor.builder(config, () -> BlockTensors.mixed(config))
              .weights(format)
              .kvBytes(16L << 30)
              .maxTokensPerStep(1024)
              .build()) {
        for (String point : args[1].split(",")) {
          String[] sizes = point.split("x");
          int count = Integer.parseInt(sizes[0]);
          int prompt = Integer.parseInt(sizes[1]);
          double millis = DecodeTimes.millis(gpu, count, prompt, (sequence, step) -> false);
          System.out.printf("%d layers, %s, %s: %.3f ms a step%n", layers, format, point, millis);
        }
      }
    }
  }
}
