package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;
import java.util.Arrays;
import java.util.function.ToIntFunction;

/**
 * The largest number of blocks that a batch will hold, if every sequence has exactly its given
 * length and no sequence joins.
 *
 * <p>Use grows by one token a step for each sequence that still runs and falls only when one ends,
 * so it peaks just before an end. Sorted by remaining length, descending, the peak is the largest,
 * over i, of the blocks of the first i sequences when each has grown by the i-th one's remaining
 * length. Blocks are counted by residue: sequences whose contexts have the same remainder modulo
 * the block size grow by the same number of blocks. So computing a peak takes O(n log n + n *
 * blockTokens). Shared blocks do not count: the capacity is given without them. A sequence on a
 * canvas holds the same slots until it ends.
 *
 * <p>Not thread-safe.
 */
final class FuturePeak {
  private static final int CONTEXT_BITS = 31;
  private static final int STEP_SHIFT = CONTEXT_BITS + 1;
  private static final long CANVAS = 1L << CONTEXT_BITS;

  private final int blockTokens;

  /**
   * Remaining steps in the upper bits, then whether the slots stay the same, and the context in the
   * lower bits; {@code count} entries are in use.
   */
  private long[] sequences = new long[64];

  private int count;

  FuturePeak(int blockTokens) {
    this.blockTokens = blockTokens;
  }

  /**
   * Returns the peak of the running batch.
   *
   * @param outputTokens returns the whole output length of a sequence, in tokens
   */
  static FuturePeak of(MemoryView view, ToIntFunction<SequenceView> outputTokens) {
    FuturePeak peak = new FuturePeak(view.blockTokens()); // without the shared blocks
    for (SequenceView sequence : view.running()) {
      peak.add(peak.entry(sequence, outputTokens.applyAsInt(sequence)));
    }
    return peak;
  }

  /** Adds a sequence if the peak with it stays within capacity, and returns whether it does. */
  boolean admits(SequenceView candidate, int outputTokens, int capacityBlocks) {
    long entry = entry(candidate, outputTokens);
    add(entry);
    boolean fits = peakBlocks() <= capacityBlocks;
    if (!fits) {
      remove(entry);
    }
    return fits;
  }

  private long entry(SequenceView sequence, int outputTokens) {
    if (!sequence.canvas()) {
      int own = sequence.contextTokens() - sequence.sharedBlocks() * blockTokens;
      return packed(own, laterSteps(sequence, outputTokens), 0);
    }
    int output = Math.min(outputTokens, sequence.maxNewTokens());
    int slots = Math.max(sequence.slotsNeeded(), sequence.promptTokens() + output);
    return packed(slots, (int) Math.ceil(sequence.stepsLeft()) - 1, CANVAS);
  }

  private static long packed(int slots, int laterSteps, long kind) {
    return ((long) laterSteps << STEP_SHIFT) | kind | slots;
  }

  /** Returns the number of steps after the next one, each of which adds a token. */
  private static int laterSteps(SequenceView sequence, int outputTokens) {
    int length = Math.min(outputTokens, sequence.maxNewTokens());
    return Math.max(0, length - sequence.generatedTokens() - 1);
  }

  /**
   * Adds a sequence.
   *
   * @param contextTokens tokens in KV after its next step
   * @param laterSteps number of steps after the next one, each of which adds a token
   */
  void add(int contextTokens, int laterSteps) {
    add(packed(contextTokens, laterSteps, 0));
  }

  private void add(long packed) {
    if (count == sequences.length) {
      sequences = Arrays.copyOf(sequences, 2 * count);
    }
    sequences[count++] = packed;
  }

  private void remove(long packed) {
    for (int i = count - 1; i >= 0; i--) {
      if (sequences[i] == packed) {
        sequences[i] = sequences[--count];
        return;
      }
    }
    throw new IllegalStateException("no such sequence");
  }

  /** Returns the peak, in blocks. */
  long peakBlocks() {
    Arrays.sort(sequences, 0, count);
    int[] byResidue = new int[blockTokens];
    long wholeBlocks = 0;
    long peak = 0;
    for (int i = count - 1; i >= 0; i--) { // longest remaining first
      int context = (int) (sequences[i] & (CANVAS - 1));
      if ((sequences[i] & CANVAS) == 0) {
        wholeBlocks += context / blockTokens;
        byResidue[context % blockTokens]++;
      } else {
        wholeBlocks += (context + blockTokens - 1) / blockTokens;
      }
      peak = Math.max(peak, blocks(wholeBlocks, byResidue, sequences[i] >>> STEP_SHIFT));
    }
    return peak;
  }

  private long blocks(long wholeBlocks, int[] byResidue, long grownTokens) {
    long blocks = wholeBlocks;
    for (int residue = 0; residue < blockTokens; residue++) {
      long grown = (residue + grownTokens + blockTokens - 1) / blockTokens;
      blocks += byResidue[residue] * grown;
    }
    return blocks;
  }
}
