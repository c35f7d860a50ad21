package dev.s3llm.recover;

/** What becomes of a preempted sequence's KV. */
public enum PreemptionMode {
  /** Copied to host memory, and back when the sequence goes on. */
  SWAP,
  /** Dropped, and computed again from the tokens. */
  RECOMPUTE
}
