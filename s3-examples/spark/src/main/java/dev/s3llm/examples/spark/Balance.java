package dev.s3llm.examples.spark;

/** How rows are distributed over partitions. */
enum Balance {
  /** The same predicted work in each partition, longest rows first. */
  PREDICTED,
  /** The same number of rows in each partition, in the order of the input, without predictions. */
  EVEN
}
