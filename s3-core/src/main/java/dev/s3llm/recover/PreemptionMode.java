package dev.s3llm.recover;

/** What happens to the KV of a preempted sequence. */
public enum PreemptionMode {
  /** It is copied to host memory, and copied back when the sequence is admitted again. */
  SWAP,
  /** It is dropped, and computed again from the tokens when the sequence is admitted again. */
  RECOMPUTE
}
