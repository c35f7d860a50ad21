package dev.s3llm.engine;

/** Where a sequence is: in exactly one of these. */
enum SequenceState {
  /** Its prediction is awaited. */
  PREDICTING,
  /** In the waiting queue, new or preempted. */
  WAITING,
  /** Holds KV memory. */
  RUNNING,
  /** Over. */
  ENDED
}
