package dev.s3llm.examples.spark;

/** How rows are spread over partitions. */
enum Balance {
  /** As much predicted work in each, longest rows first. */
  PREDICTED,
  /** As many rows in each, in the order of the input: what is done where nothing is predicted. */
  EVEN
}
