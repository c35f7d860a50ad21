package dev.s3llm.engine.sequence;

/** The state of a sequence. */
public enum SequenceState {
  /** Its prediction is pending. */
  PREDICTING,
  /** It is in the waiting queue, new or preempted. */
  WAITING,
  /** It holds KV memory and takes part in steps. */
  RUNNING,
  /** It has ended. */
  ENDED
}
