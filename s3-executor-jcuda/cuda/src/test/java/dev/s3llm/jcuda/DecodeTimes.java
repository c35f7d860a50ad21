package dev.s3llm.jcuda;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Times decode steps of sequences whose prompts were prefilled. */
final class DecodeTimes {
  private static final int WARM_UP = 16;
  private static final int STEPS = 64;

  private DecodeTimes() {}

  /** Says which sequences ask for the hidden state of their token. */
  @FunctionalInterface
  interface Features {
    /** Returns whether a sequence asks in a step. */
    boolean wanted(int sequence, int step);
  }

  /**
   * Returns the median milliseconds of a step, from its launch to its result.
   *
   * @param count sequences
   * @param prompt tokens of each prompt
   */
  static double millis(JCudaExecutor gpu, int count, int prompt, Features features) {
    List<HandDrivenSequence> all = prefilled(gpu, count, prompt);
    double[] times = new double[STEPS];
    for (int n = 0; n < WARM_UP + STEPS; n++) {
      for (int i = 0; i < count; i++) {
        all.get(i).features(features.wanted(i, n)).chunk(1);
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
