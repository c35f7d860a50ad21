package dev.s3llm.engine.sequence;

/** Where a sequence is: in exactly one of these. */
public enum SequenceState {
  /** Its prediction is awaited. */
  PREDICTING,
  /** In the waiting queue, new or preempted. */
  WAITING,
  /** Holds KV memory. */
  RUNNING,
  /** Over. */
  ENDED
}
