package dev.s3llm.jcuda;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Measures what features cost a decode step, with random weights: without the option, with it but
 * without a request, and with a request of each sequence every 16 steps. Arguments: a shape such as
 * llama-13b, the sequences, and their prompt tokens.
 */
final class FeatureCost {
  private static final int WARM_UP = 48;
  private static final int STEPS = 192;

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
      List<HandDrivenSequence> all = prefilled(gpu, count, prompt);
      double[] times = new double[STEPS];
      for (int n = 0; n < WARM_UP + STEPS; n++) {
        for (int i = 0; i < count; i++) {
          all.get(i).features(every > 0 && (i + n) % every == 0).chunk(1);
        }
        long begin = System.nanoTime();
        StepResult result = run(gpu, new StepBatch(n, List.copyOf(all), List.of(), List.of()));
        if (n >= WARM_UP) {
          times[n - WARM_UP] = (System.nanoTime() - begin) / 1e6;
        }
        for (int i = 0; i < count; i++) {
          all.get(i).apply(result, i);
        }
      }
      Arrays.sort(times);
      return times[STEPS / 2];
    }
  }

  private static List<HandDrivenSequence> prefilled(JCudaExecutor gpu, int count, int prompt) {
    int blocks = (prompt + WARM_UP + STEPS) / gpu.profile().blockTokens() + 1;
    List<HandDrivenSequence> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int[] ids = new Random(i).ints(prompt, 0, gpu.config().vocabularySize()).toArray();
      HandDrivenSequence sequence =
          new HandDrivenSequence(
              i,
              ids,
              SamplingParameters.GREEDY,
              IntStream.range(i * blocks, (i + 1) * blocks).toArray());
      sequence.apply(run(gpu, sequence.chunk(1024).alone()), 0);
      all.add(sequence);
    }
    return all;
  }

  private static StepResult run(JCudaExecutor gpu, StepBatch batch) {
    return gpu.execute(batch).toCompletableFuture().join();
  }
}
