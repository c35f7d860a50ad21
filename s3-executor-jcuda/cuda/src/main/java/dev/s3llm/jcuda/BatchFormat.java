package dev.s3llm.jcuda;

/**
 * Where a step's inputs lie in memory: the same places for every step, so that a captured graph
 * finds them. Offsets in bytes.
 *
 * @param maxTokens rows of the largest step
 * @param maxSequences sequences of the largest step
 * @param maxContext positions of the longest sequence
 * @param blockTokens slots of a KV block
 */
record BatchFormat(int maxTokens, int maxSequences, int maxContext, int blockTokens) {
  /** A sampled row's parameters, as {@code sampling.cu} reads them. */
  static final int SAMPLE_ROW_BYTES = 56;

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

  /** Block tables, then the tokens that repetition penalties look at. */
  int lists() {
    return sampledRows() + Integer.BYTES * maxSequences;
  }

  int capacityBytes() {
    long tables = (long) maxSequences * ((maxContext + blockTokens - 1) / blockTokens);
    long history = (long) maxSequences * maxContext;
    return Math.toIntExact(lists() + Integer.BYTES * (tables + history));
  }
}
