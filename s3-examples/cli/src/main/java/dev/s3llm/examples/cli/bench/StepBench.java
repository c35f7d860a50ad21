package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.jcuda.StepTimes;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Times decode steps of a batch whose contexts were really prefilled, so that KV is not constant.
 */
final class StepBench {
  /**
   * Steps before the timed ones, because the first loads kernels and the second captures the graph.
   */
  private static final int WARM = 4;

  private final JCudaExecutor executor;

  StepBench(JCudaExecutor executor) {
    this.executor = executor;
  }

  /**
   * What to measure.
   *
   * @param batch sequences in the batch
   * @param context tokens in KV of each sequence before the first step
   * @param masks the masks of the steps; null if every token may come
   */
  record Point(int batch, int context, @Nullable BenchMasks masks) {

    /** Returns the token slots that all sequences need for this many steps. */
    long slots(int steps) {
      return (long) batch * blocks(steps) * 16;
    }

    int blocks(int steps) {
      return (context + WARM + steps + 15) / 16;
    }
  }

  /**
   * Median times of a step.
   *
   * @param millis milliseconds by the GPU's clock
   * @param wallMillis milliseconds by the host's clock
   */
  record Times(double millis, double wallMillis) {}

  Times run(Point point, int steps) {
    List<Decoding> sequences = new ArrayList<>();
    int blocks = point.blocks(steps);
    for (int i = 0; i < point.batch; i++) {
      sequences.add(new Decoding(i, point.context + WARM + steps, i * blocks, blocks, point.masks));
    }
    prefill(sequences, point.context);
    double[] millis = new double[steps];
    double[] wall = new double[steps];
    for (int n = -WARM; n < steps; n++) {
      StepTimes before = executor.times();
      long start = System.nanoTime();
      step(sequences);
      if (n >= 0) {
        wall[n] = (System.nanoTime() - start) / 1e6;
        millis[n] = executor.times().since(before).busyMillis();
      }
      sequences.forEach(sequence -> sequence.next(1));
    }
    return new Times(Numbers.median(millis), Numbers.median(wall));
  }

  private void prefill(List<Decoding> sequences, int context) {
    int budget = executor.profile().maxTokensPerStep();
    for (Decoding sequence : sequences) {
      for (int done = 0; done < context; done += sequence.count) {
        sequence.count = Math.min(budget, context - done);
        step(List.of(sequence));
        sequence.start += sequence.count;
      }
      sequence.count = 1;
    }
  }

  private void step(List<? extends SequenceStep> sequences) {
    StepBatch batch = new StepBatch(0, List.copyOf(sequences), List.of(), List.of());
    executor.execute(batch).toCompletableFuture().join();
  }

  /** A sequence of random tokens; the model's own tokens would take the same time. */
  private static final class Decoding implements SequenceStep {
    private final int id;
    private final int[] tokens;
    private final int[] blocks;
    private final @Nullable BenchMasks masks;
    private int start;
    private int count;

    Decoding(int id, int length, int firstBlock, int blockCount, @Nullable BenchMasks masks) {
      this.id = id;
      this.masks = masks;
      this.tokens = new Random(id).ints(length, 0, 30_000).toArray();
      this.blocks = IntStream.range(firstBlock, firstBlock + blockCount).toArray();
    }

    void next(int tokensDone) {
      start += tokensDone;
    }

    @Override
    public long sequenceId() {
      return id;
    }

    @Override
    public int startPosition() {
      return start;
    }

    @Override
    public int tokenCount() {
      return count;
    }

    @Override
    public int token(int position) {
      return tokens[position];
    }

    @Override
    public int promptTokens() {
      return tokens.length;
    }

    @Override
    public int committedTokens() {
      return 0;
    }

    @Override
    public int maxNewTokens() {
      return 1;
    }

    @Override
    public @Nullable Input input() {
      return null;
    }

    @Override
    public int block(int index) {
      return blocks[index];
    }

    @Override
    public int blockCount() {
      return blocks.length;
    }

    @Override
    public boolean samples() {
      return true;
    }

    @Override
    public long @Nullable [] allowedTokens() {
      return masks == null ? null : masks.of(id, start);
    }

    @Override
    public SamplingParameters sampling() {
      return SamplingParameters.GREEDY;
    }
  }
}
