package dev.s3llm.jcuda.internal.batch;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.support.KvBlocks;

/**
 * The layout of a step's inputs in memory. It is the same for every step, so that a captured graph
 * can be launched again. Methods return offsets in bytes.
 *
 * @param maxTokens rows of the largest step
 * @param maxSequences sequences of the largest step
 * @param maxContext positions of the longest sequence
 * @param blockTokens slots of a KV block
 * @param vocabulary number of tokens of the model
 */
public record BatchFormat(
    int maxTokens, int maxSequences, int maxContext, int blockTokens, int vocabulary) {
  /** Bytes of a sampled row's parameters, as {@code sampling.cu} reads them. */
  static final int SAMPLE_ROW_BYTES = 56;

  private static final long MOST_KEPT_BYTES = 32L << 20;
  private static final int MOST_KEPT_MASKS = 4096;

  int sampling() {
    return 0;
  }

  int tokens() {
    return SAMPLE_ROW_BYTES * maxSequences;
  }

  int positions() {
    return tokens() + Integer.BYTES * maxTokens;
  }

  int sequences() {
    return positions() + Integer.BYTES * maxTokens;
  }

  int tableStarts() {
    return sequences() + Integer.BYTES * maxTokens;
  }

  int decodeRows() {
    return tableStarts() + Integer.BYTES * maxSequences;
  }

  int firstRows() {
    return decodeRows() + Integer.BYTES * maxSequences;
  }

  int rowCounts() {
    return firstRows() + Integer.BYTES * maxSequences;
  }

  int sampledRows() {
    return rowCounts() + Integer.BYTES * maxSequences;
  }

  /**
   * Returns the offset of the block tables, then of the lists of sampled rows: forbidden tokens,
   * {@link RowShaping} and masks.
   */
  int lists() {
    return sampledRows() + Integer.BYTES * maxSequences;
  }

  /** Returns the 32-bit words of a mask of all tokens, an even number. */
  int maskWords() {
    return 2 * ((vocabulary + Long.SIZE - 1) / Long.SIZE);
  }

  /**
   * Returns how many logits of a row biases and penalties may change: those of all tokens that may
   * have occurred, and of all biases.
   */
  public int changedLogits() {
    return Math.min(maxContext, vocabulary) + SamplingParameters.MOST_BIASES;
  }

  /** Returns how many masks a device keeps, at least 1: 2,000 of a vocabulary of 128,000. */
  public int keptMaskCount() {
    return (int) Math.max(1, Math.min(MOST_KEPT_MASKS, MOST_KEPT_BYTES / maskBytes()));
  }

  /** Returns the offset of the masks that a device keeps; an image ends before them. */
  int keptMasks() {
    return capacityBytes();
  }

  int maskBytes() {
    return Integer.BYTES * maskWords();
  }

  /** Returns the bytes of a device's copy of the largest step, with the masks that it keeps. */
  public long deviceBytes() {
    return keptMasks() + (long) maskBytes() * keptMaskCount();
  }

  /** Returns the bytes of the largest step. */
  public int capacityBytes() {
    long tables = (long) maxSequences * KvBlocks.blocksFor(maxContext, blockTokens);
    long biases = 2L * SamplingParameters.MOST_BIASES;
    long own = ExecutorProfile.MOST_FORBIDDEN + RowShaping.HEAD_INTS + biases + maskWords();
    long rows = maxSequences * (maxContext + own); // a token takes no more words than it occurs
    return Math.toIntExact(lists() + Integer.BYTES * (tables + rows));
  }
}
