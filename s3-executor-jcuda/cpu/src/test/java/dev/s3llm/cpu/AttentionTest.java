package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelShapes;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Attention against its definition, written out in double precision, and in other batches. */
class AttentionTest {
  private static final int HEADS = 6;
  private static final int KV_HEADS = 2;
  private static final int SIZE = 24;
  private static final int LENGTH = 45;

  private final WorkerPool workers = new WorkerPool(1, Thread::new);

  static CpuKvCache cache(int blockTokens) {
    return cache(blockTokens, KvPrecision.FULL);
  }

  static CpuKvCache cache(int blockTokens, KvPrecision precision) {
    ModelConfig config =
        new ModelShapes.Sizes(50, 144, 2, HEADS, KV_HEADS, SIZE, 64, 256).llama(true);
    return CpuKvCache.of(config, precision, blockTokens, 64, 0);
  }

  @ParameterizedTest
  @CsvSource({
    "16, 0, 0, false",
    "16, 7, 0, false",
    "16, 20, 0, true",
    "16, 0, 3, false",
    "5, 9, 2, true",
    "4, 1, 0, false"
  })
  void results_areThoseOfTheDefinition(int blockTokens, int window, float softcap, boolean sinks) {
    AttentionRule rule = rule(window, softcap, sinks);
    Step step = new Step(blockTokens, LENGTH);
    float[] out = step.attend(rule);
    for (int row = 0; row < LENGTH; row++) {
      for (int head = 0; head < HEADS; head++) {
        double[] expected = step.expected(rule, row, head);
        for (int d = 0; d < SIZE; d++) {
          assertThat((double) out[(row * HEADS + head) * SIZE + d])
              .as("row %d, head %d, dimension %d", row, head, d)
              .isCloseTo(expected[d], org.assertj.core.data.Offset.offset(3e-6));
        }
      }
    }
  }

  /** Each number of a key or value is off by 1/254 of the vector's largest at most. */
  @ParameterizedTest
  @CsvSource({"16, 0, 0, false", "16, 7, 3, true", "5, 9, 0, false"})
  void kvInEightBits_isNearTheDefinition(
      int blockTokens, int window, float softcap, boolean sinks) {
    AttentionRule rule = rule(window, softcap, sinks);
    Step step = new Step(blockTokens, LENGTH, KvPrecision.INT8);
    float[] out = step.attend(rule);
    double worst = 0;
    double squares = 0;
    for (int row = 0; row < LENGTH; row++) {
      for (int head = 0; head < HEADS; head++) {
        double[] expected = step.expected(rule, row, head);
        for (int d = 0; d < SIZE; d++) {
          double error = Math.abs(out[(row * HEADS + head) * SIZE + d] - expected[d]);
          worst = Math.max(worst, error);
          squares += error * error;
        }
      }
    }
    assertThat(worst).isBetween(1e-3, 3e-2);
    assertThat(Math.sqrt(squares / out.length)).isBetween(1e-4, 6e-3);
  }

  @ParameterizedTest
  @CsvSource({
    "16, 0, FULL",
    "16, 7, FULL",
    "5, 9, FULL",
    "16, 0, INT8",
    "16, 7, INT8",
    "5, 9, INT8"
  })
  void row_isBitwiseTheSameInAnyChunk(int blockTokens, int window, KvPrecision precision) {
    AttentionRule rule = rule(window, 0, false);
    float[] whole = new Step(blockTokens, LENGTH, precision).attend(rule);
    for (int chunk : new int[] {1, 2, 3, 7, 44}) {
      assertThat(new Step(blockTokens, chunk, precision).attend(rule))
          .as("chunks of %d", chunk)
          .isEqualTo(whole);
    }
  }

  /**
   * Slots as for a canvas behind an input: all of either kind, or the canvas up to the own slot.
   */
  @ParameterizedTest
  @CsvSource({"16, 0, 45", "16, 0, 19", "16, 19, 45", "5, 13, 22", "16, 17, -1", "4, 3, -1"})
  void rows_attendToTheSlotsThatTheySee(int blockTokens, int from, int to) {
    AttentionRule rule = rule(0, 0, false);
    Step step = new Step(blockTokens, LENGTH);
    float[] out = step.attend(rule, from, to);
    for (int row = from; row < LENGTH; row++) {
      for (int head = 0; head < HEADS; head++) {
        double[] expected = step.expected(rule, row, head, from, to < 0 ? row + 1 : to);
        for (int d = 0; d < SIZE; d++) {
          assertThat((double) out[(row * HEADS + head) * SIZE + d])
              .as("row %d, head %d, dimension %d", row, head, d)
              .isCloseTo(expected[d], org.assertj.core.data.Offset.offset(3e-6));
        }
      }
    }
  }

  private static AttentionRule rule(int window, float softcap, boolean sinks) {
    float[] logits = sinks ? Matrices.floats(HEADS, 3) : null;
    return new AttentionRule(HEADS, KV_HEADS, SIZE, 0.3f, window, softcap, logits);
  }

  /** Keys, values and queries of a sequence, which is computed in chunks beside another one. */
  private final class Step {
    private final int blockTokens;
    private final int chunk;
    private final KvPrecision precision;
    private final float[] queries = Matrices.floats(LENGTH * HEADS * SIZE, 20);
    private final float[] keys = Matrices.floats(LENGTH * KV_HEADS * SIZE, 21);
    private final float[] values = Matrices.floats(LENGTH * KV_HEADS * SIZE, 22);

    Step(int blockTokens, int chunk) {
      this(blockTokens, chunk, KvPrecision.FULL);
    }

    Step(int blockTokens, int chunk, KvPrecision precision) {
      this.blockTokens = blockTokens;
      this.chunk = chunk;
      this.precision = precision;
    }

    float[] attend(AttentionRule rule) {
      CpuKernels kernels = new CpuKernels(cache(blockTokens, precision), workers);
      HandDrivenSequence sequence = sequence(0);
      HandDrivenSequence other = sequence(32);
      float[] results = new float[LENGTH * HEADS * SIZE];
      for (int start = 0; start < LENGTH; start += chunk) {
        int end = Math.min(LENGTH, start + chunk);
        sequence.chunk(chunk);
        other.chunk(1);
        BatchLayout batch =
            new BatchLayout(new StepBatch(0, List.of(other, sequence), List.of(), List.of()));
        kernels.store(1, batch, behindOther(keys, start, end), behindOther(values, start, end));
        float[] out = new float[batch.rows * HEADS * SIZE];
        kernels.attend(1, batch, behindOther(queries, start, end), rule, out);
        int width = HEADS * SIZE;
        System.arraycopy(out, width, results, start * width, (end - start) * width);
      }
      return results;
    }

    /** Attends from the rows behind {@code from}; {@code to} below 0 is a row's own slot. */
    float[] attend(AttentionRule rule, int from, int to) {
      CpuKernels kernels = new CpuKernels(cache(blockTokens), workers);
      HandDrivenSequence sequence = sequence(0).chunk(LENGTH);
      BatchLayout all = new BatchLayout(sequence.alone());
      kernels.store(1, all, keys, values);
      int rows = LENGTH - from;
      BatchLayout batch = new BatchLayout(rows, all.blockTables);
      SeenSlots seen = new SeenSlots(new int[rows], new int[rows]);
      Arrays.fill(seen.from(), from);
      Arrays.setAll(seen.to(), row -> to < 0 ? from + row + 1 : to);
      int width = HEADS * SIZE;
      float[] some = Arrays.copyOfRange(queries, from * width, queries.length);
      float[] out = new float[some.length];
      kernels.attend(1, batch, seen, some, rule, out);
      float[] results = new float[queries.length];
      System.arraycopy(out, 0, results, from * width, out.length);
      return results;
    }

    private HandDrivenSequence sequence(int firstBlock) {
      int[] blocks = IntStream.range(firstBlock, firstBlock + LENGTH / blockTokens + 1).toArray();
      return new HandDrivenSequence(firstBlock, new int[LENGTH], SamplingParameters.GREEDY, blocks);
    }

    /** Rows of a chunk after one row of the other sequence. */
    private float[] behindOther(float[] all, int start, int end) {
      int width = all.length / LENGTH;
      float[] part = new float[(end - start + 1) * width];
      Arrays.fill(part, 0, width, 1);
      System.arraycopy(all, start * width, part, width, (end - start) * width);
      return part;
    }

    double[] expected(AttentionRule rule, int row, int head) {
      int first = rule.window() == 0 ? 0 : Math.max(0, row - rule.window() + 1);
      return expected(rule, row, head, first, row + 1);
    }

    double[] expected(AttentionRule rule, int row, int head, int first, int end) {
      int kvHead = head / (HEADS / KV_HEADS);
      float[] sinks = rule.sinks();
      double total = sinks == null ? 0 : Math.exp(sinks[head]);
      double[] result = new double[SIZE];
      for (int p = first; p < end; p++) {
        double score = 0;
        for (int d = 0; d < SIZE; d++) {
          score +=
              (double) queries[(row * HEADS + head) * SIZE + d]
                  * keys[(p * KV_HEADS + kvHead) * SIZE + d];
        }
        score *= rule.scale();
        if (rule.softcap() > 0) {
          score = rule.softcap() * Math.tanh(score / rule.softcap());
        }
        double weight = Math.exp(score);
        total += weight;
        for (int d = 0; d < SIZE; d++) {
          result[d] += weight * values[(p * KV_HEADS + kvHead) * SIZE + d];
        }
      }
      for (int d = 0; d < SIZE; d++) {
        result[d] /= total;
      }
      return result;
    }
  }
}
