package dev.s3llm.cpu;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Decode throughput of the host backend at several batch sizes, on random weights of the small
 * model's shape, contexts from 64 to 128 tokens. Run its main; arguments: batch sizes.
 */
final class CpuThroughput {
  private static final int PROMPT = 64;
  private static final int STEPS = 64;
  private static final int ROUNDS = 5;

  private CpuThroughput() {}

  public static void main(String[] args) {
    int[] batches =
        args.length == 0
            ? new int[] {1, 8, 32}
            : Arrays.stream(args).mapToInt(Integer::parseInt).toArray();
    ModelConfig config = new ModelShapes.Sizes(4096, 256, 6, 8, 4, 32, 704, 1024).llama(true);
    try (CpuExecutor executor =
        CpuExecutor.builder(config, new RandomTensors(config, 1))
            .maxTokensPerStep(32 * PROMPT)
            .build()) {
      measure(executor, 8); // warms up
      for (int batch : batches) {
        double[] rates = new double[ROUNDS];
        for (int round = 0; round < ROUNDS; round++) {
          rates[round] = measure(executor, batch);
        }
        Arrays.sort(rates);
        System.out.printf(
            "batch %2d: %7.1f tokens/s (median of %d; from %.1f to %.1f)%n",
            batch, rates[ROUNDS / 2], ROUNDS, rates[0], rates[ROUNDS - 1]);
      }
    }
  }

  private static double measure(CpuExecutor executor, int batch) {
    List<HandDrivenSequence> sequences = new ArrayList<>();
    int blocks = (PROMPT + STEPS) / 16 + 1;
    for (int s = 0; s < batch; s++) {
      int[] prompt = IntStream.range(0, PROMPT).map(i -> i * 37 % 4096).toArray();
      int first = s * blocks;
      sequences.add(
          new HandDrivenSequence(
              s,
              prompt,
              SamplingParameters.GREEDY,
              IntStream.range(first, first + blocks).toArray()));
    }
    step(executor, sequences);
    long start = System.nanoTime();
    for (int n = 0; n < STEPS; n++) {
      step(executor, sequences);
    }
    return batch * STEPS * 1e9 / (System.nanoTime() - start);
  }

  private static void step(CpuExecutor executor, List<HandDrivenSequence> sequences) {
    sequences.forEach(s -> s.chunk(Integer.MAX_VALUE));
    List<SequenceStep> views = List.copyOf(sequences);
    int[] tokens =
        executor
            .execute(new StepBatch(0, views, List.of(), List.of()))
            .toCompletableFuture()
            .join()
            .tokens();
    for (int s = 0; s < tokens.length; s++) {
      sequences.get(s).append(tokens[s]);
    }
  }
}
