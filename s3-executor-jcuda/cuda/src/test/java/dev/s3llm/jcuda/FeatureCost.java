package dev.s3llm.jcuda;

import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;

/**
 * Measures what features cost a decode step, with random weights: without the option, with it but
 * without a request, and with a request of each sequence every 16 steps. Arguments: a shape such as
 * llama-13b, the sequences, and their prompt tokens.
 */
final class FeatureCost {
  private FeatureCost() {}

  public static void main(String[] args) {
    ModelConfig config = ModelShapes.of(args[0]);
    int count = Integer.parseInt(args[1]);
    int prompt = Integer.parseInt(args[2]);
    int layer = config.layerCount() * 2 / 3;
    double without = millis(config, 0, 0, count, prompt);
    double idle = millis(config, layer, 0, count, prompt);
    double every = millis(config, layer, 16, count, prompt);
    System.out.printf(
        "%s, %d sequences of %d tokens: %.3f ms a step; with the option %.3f ms (%+.2f %%); with a"
            + " request every 16 tokens %.3f ms (%+.2f %%)%n",
        args[0],
        count,
        prompt,
        without,
        idle,
        100 * (idle / without - 1),
        every,
        100 * (every / without - 1));
  }

  /** Returns the median time of a step, from its launch to its result. */
  private static double millis(ModelConfig config, int layer, int every, int count, int prompt) {
    JCudaExecutor.Builder builder =
        JCudaExecutor.builder(config, () -> new RandomTensors(config, 7))
            .maxTokensPerStep(1024)
            .maxSequencesPerStep(count);
    if (layer > 0) {
      builder.featureLayer(layer);
    }
    try (JCudaExecutor gpu = builder.build()) {
      return DecodeTimes.millis(
          gpu, count, prompt, (sequence, step) -> every > 0 && (sequence + step) % every == 0);
    }
  }
}
