package dev.s3llm.engine.sequence;

/** The state of a sequence. */
public enum SequenceState {
  /** Its prediction, or the first mask of its constraint, is pending. */
  PREDICTING,
  /** It is in the waiting queue, new or preempted. */
  WAITING,
  /** It holds KV memory and takes part in steps. */
  RUNNING,
  /**
   * It was preempted, and joins the waiting queue as soon as the mask of its constraint is there.
   */
  PARKED,
  /** It has ended. */
  ENDED
}
