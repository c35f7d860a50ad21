package dev.s3llm.jcuda;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Measures decode steps of a model of Llama 8B's widths in the formats of a Q4_K_M file, with
 * random weights, as the file has them and widened. Arguments: the layers, then points such as
 * 64x512, sequences by prompt tokens.
 */
final class BlockSteps {
  private static final int WARM_UP = 16;
  private static final int STEPS = 64;

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
          double millis = millis(gpu, Integer.parseInt(sizes[0]), Integer.parseInt(sizes[1]));
          System.out.printf("%d layers, %s, %s: %.3f ms a step%n", layers, format, point, millis);
        }
      }
    }
  }

  /** Returns the median time of a step, from its launch to its result. */
  private static double millis(JCudaExecutor gpu, int count, int prompt) {
    List<HandDrivenSequence> all = prefilled(gpu, count, prompt);
    double[] times = new double[STEPS];
    for (int n = 0; n < WARM_UP + STEPS; n++) {
      all.forEach(sequence -> sequence.chunk(1));
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

  private static List<HandDrivenSequence> prefilled(JCudaExecutor gpu, int count, int prompt) {
    int blocks = (prompt + WARM_UP + STEPS) / gpu.profile().blockTokens() + 1;
    List<HandDrivenSequence> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      HandDrivenSequence sequence =
          new HandDrivenSequence(
              i,
              new Random(i).ints(prompt, 0, gpu.config().vocabularySize()).toArray(),
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
