package dev.s3llm.cpu;

import java.util.Arrays;

/**
 * The attention of one layer over a batch. Up to four consecutive rows of a sequence are computed
 * together, which reads their keys and values once; each result is the same as that of its row
 * alone.
 */
final class Attention {
  private static final int ROWS = 4;

  private final CpuKvCache cache;
  private final Arithmetic arithmetic;
  private final BatchLayout batch;
  private final int layer;
  private final AttentionRule rule;
  private final SeenSlots seen;
  private final float[] queries;
  private final float[] out;

  /** First row of each group, and the number of rows after the last. */
  private final int[] groupStarts;

  private final int groups;

  Attention(
      CpuKvCache cache,
      Arithmetic arithmetic,
      BatchLayout batch,
      int layer,
      AttentionRule rule,
      SeenSlots seen,
      float[] queries,
      float[] out) {
    this.cache = cache;
    this.arithmetic = arithmetic;
    this.batch = batch;
    this.layer = layer;
    this.rule = rule;
    this.seen = seen;
    this.queries = queries;
    this.out = out;
    this.groupStarts = new int[batch.rows + 1];
    int count = 0;
    for (int row = 1; row <= batch.rows; row++) {
      boolean full = row - groupStarts[count] == ROWS;
      boolean last = row == batch.rows;
      if (full || last || batch.sequenceOfRow[row] != batch.sequenceOfRow[row - 1]) {
        groupStarts[++count] = row;
      }
    }
    this.groups = count;
  }

  /** Returns the number of groups of rows. */
  int groups() {
    return groups;
  }

  /** Returns the number of multiplications, roughly. */
  long work() {
    long work = 0;
    for (int row = 0; row < batch.rows; row++) {
      work += 2L * (seen.to()[row] - seen.from()[row]) * rule.heads() * rule.headSize();
    }
    return work;
  }

  /** Attends from a group of rows with the query heads that share a head of keys. */
  void run(int group, int kvHead, CpuKernels.Scratch scratch) {
    int row = groupStarts[group];
    int rows = groupStarts[group + 1] - row;
    int firstBlock = seen.from()[row] / cache.blockTokens;
    int blocks = (seen.to()[row + rows - 1] - 1) / cache.blockTokens + 1 - firstBlock;
    int shared = rule.heads() / rule.kvHeads();
    int span = rows * blocks * cache.blockTokens;
    float[] scores = scratch.scores(shared * span);
    Arrays.fill(scores, 0, shared * span, 0);
    Head[] heads = new Head[shared];
    for (int i = 0; i < shared; i++) {
      heads[i] = new Head(row, rows, kvHead * shared + i, firstBlock, blocks, scores, i * span);
    }
    run(heads, kvHead, scratch);
  }

  /** Goes through the blocks twice, with all query heads that share their keys and values. */
  private void run(Head[] heads, int kvHead, CpuKernels.Scratch scratch) {
    int base = cache.offset(layer, kvHead);
    int blocks = heads[0].blocks;
    for (int b = 0; b < blocks; b++) {
      float[] keys = cache.keys(heads[0].block(b), layer, kvHead, scratch);
      for (Head head : heads) {
        head.score(b, keys, base);
      }
    }
    for (Head head : heads) {
      head.weigh();
    }
    for (int b = 0; b < blocks; b++) {
      float[] values = cache.values(heads[0].block(b), layer, kvHead, scratch);
      for (Head head : heads) {
        head.addValues(b, values, base);
      }
    }
  }

  /** One query head of a group of rows. */
  private final class Head {
    private final int row;
    private final int rows;
    private final int head;
    private final int firstBlock;
    private final int blocks;
    private final float[] scores;

    /** Index of the first score. */
    private final int own;

    private final int size = rule.headSize();
    private final int slots = cache.blockTokens;

    /** Floats from a row's scores to those of the next. */
    private final int span;

    private final int stride = rule.heads() * size;

    Head(int row, int rows, int head, int firstBlock, int blocks, float[] scores, int own) {
      this.row = row;
      this.rows = rows;
      this.head = head;
      this.firstBlock = firstBlock;
      this.blocks = blocks;
      this.scores = scores;
      this.own = own;
      this.span = blocks * slots;
    }

    /** Makes the scores weights, and clears the results. */
    void weigh() {
      float[] sinks = rule.sinks();
      float sink = sinks == null ? Float.NEGATIVE_INFINITY : sinks[head];
      for (int r = 0; r < rows; r++) {
        arithmetic.softmax(
            scores, at(r) + from(r), at(r) + to(r), rule.scale(), rule.softcap(), sink);
        int query = query(r);
        Arrays.fill(out, query, query + size, 0);
      }
    }

    /** Returns the index of a row's first score. */
    private int at(int r) {
      return own + r * span;
    }

    /** Returns the first score that a row sees. */
    private int from(int r) {
      return seen.from()[row + r] - firstBlock * slots;
    }

    /** Returns the score after the last that a row sees. */
    private int to(int r) {
      return seen.to()[row + r] - firstBlock * slots;
    }

    private int query(int r) {
      return (row + r) * stride + head * size;
    }

    /** Computes the scores of a block's slots; those that a row does not see are not used. */
    void score(int b, float[] keys, int base) {
      int first = own + b * slots;
      if (rows == ROWS) {
        arithmetic.multiplyFour(
            keys, base, slots, slots, size, queries, query(0), stride, scores, first, span);
        return;
      }
      for (int r = 0; r < rows; r++) {
        arithmetic.multiply(
            keys, base, slots, slots, size, queries, query(r), scores, first + r * span);
      }
    }

    int block(int b) {
      return batch.blockTables[batch.sequenceOfRow[row]][firstBlock + b];
    }

    void addValues(int b, float[] values, int base) {
      boolean all = rows == ROWS && from(ROWS - 1) <= b * slots && to(0) >= (b + 1) * slots;
      if (all) {
        arithmetic.multiplyFour(
            values, base, size, size, slots, scores, own + b * slots, span, out, query(0), stride);
        return;
      }
      for (int r = 0; r < rows; r++) {
        int first = Math.max(from(r), b * slots);
        int count = Math.min(to(r), (b + 1) * slots) - first;
        if (count > 0) {
          int from = base + (first - b * slots) * size;
          arithmetic.multiply(
              values, from, size, size, count, scores, at(r) + first, out, query(r));
        }
      }
    }
  }
}
