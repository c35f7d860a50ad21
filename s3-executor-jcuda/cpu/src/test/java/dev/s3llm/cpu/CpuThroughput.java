package dev.s3llm.cpu;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.testkit.HandDrivenSequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.stream.IntStream;

/**
 * Throughput of the host backend: prompt processing, and decoding at several batch sizes with
 * contexts from 64 to 128 tokens. Run its main; arguments: {@code rounds=N}, {@code threads=N} and
 * {@code model=PATH} (without it random weights of the small model's shape), then {@code
 * prefill=TOKENS} or batch sizes in any number.
 */
final class CpuThroughput {
  private static final int PROMPT = 64;
  private static final int STEPS = 64;

  private final CpuExecutor executor;
  private final int rounds;

  private CpuThroughput(CpuExecutor executor, int rounds) {
    this.executor = executor;
    this.rounds = rounds;
  }

  public static void main(String[] args) {
    int rounds = Integer.parseInt(option(args, "rounds", "5"));
    int threads =
        Integer.parseInt(option(args, "threads", "" + Runtime.getRuntime().availableProcessors()));
    long start = System.nanoTime();
    CpuExecutor.Builder builder = builder(option(args, "model", ""));
    System.out.printf("loaded in %.2f s%n", (System.nanoTime() - start) / 1e9);
    try (CpuExecutor executor = builder.threads(threads).maxTokensPerStep(32 * PROMPT).build()) {
      CpuThroughput throughput = new CpuThroughput(executor, rounds);
      for (String arg : args) {
        throughput.run(arg);
      }
    }
  }

  private static String option(String[] args, String name, String fallback) {
    return Arrays.stream(args)
        .filter(arg -> arg.startsWith(name + "="))
        .map(arg -> arg.substring(name.length() + 1))
        .findFirst()
        .orElse(fallback);
  }

  private static CpuExecutor.Builder builder(String model) {
    if (!model.isEmpty()) {
      return CpuExecutor.builder(Path.of(model));
    }
    ModelConfig config = new ModelShapes.Sizes(4096, 256, 6, 8, 4, 32, 704, 1024).llama(true);
    return CpuExecutor.builder(config, new RandomTensors(config, 1));
  }

  private void run(String arg) {
    if (arg.startsWith("prefill=")) {
      int tokens = Integer.parseInt(arg.substring("prefill=".length()));
      report("prefill of " + tokens, () -> prefill(tokens));
    } else if (!arg.contains("=")) {
      int batch = Integer.parseInt(arg);
      report("decode, batch " + batch, () -> decode(batch));
    }
  }

  /** The first round warms up and does not count. */
  private void report(String what, DoubleSupplier round) {
    double[] rates =
        IntStream.rangeClosed(0, rounds).mapToDouble(r -> round.getAsDouble()).skip(1).toArray();
    Arrays.sort(rates);
    System.out.printf(
        "%s: %.1f tokens/s (median of %d; from %.1f to %.1f)%n",
        what, rates[rounds / 2], rounds, rates[0], rates[rounds - 1]);
  }

  private double prefill(int tokens) {
    List<HandDrivenSequence> sequence = sequences(1, tokens);
    long start = System.nanoTime();
    step(sequence);
    return tokens * 1e9 / (System.nanoTime() - start);
  }

  private double decode(int batch) {
    List<HandDrivenSequence> sequences = sequences(batch, PROMPT);
    step(sequences);
    long start = System.nanoTime();
    for (int n = 0; n < STEPS; n++) {
      step(sequences);
    }
    return batch * STEPS * 1e9 / (System.nanoTime() - start);
  }

  private static List<HandDrivenSequence> sequences(int batch, int tokens) {
    List<HandDrivenSequence> sequences = new ArrayList<>();
    int blocks = (tokens + STEPS) / 16 + 1;
    for (int s = 0; s < batch; s++) {
      int shift = s;
      int[] prompt = IntStream.range(0, tokens).map(i -> (i + shift) * 37 % 4096).toArray();
      int first = s * blocks;
      sequences.add(
          new HandDrivenSequence(
              s,
              prompt,
              SamplingParameters.GREEDY,
              IntStream.range(first, first + blocks).toArray()));
    }
    return sequences;
  }

  private void step(List<HandDrivenSequence> sequences) {
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
