package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.recover.PreemptionMode;

/** A plan's decision about a sequence, with its reason. */
public sealed interface Decision {

  /** Returns the sequence that the decision is about. */
  Sequence sequence();

  /** Returns the reason: a stable text without request data. */
  String reason();

  /**
   * Starts a waiting sequence, for the first time or again.
   *
   * @param sequence the sequence
   * @param reservedBlocks blocks to reserve, including those that it shares
   * @param sharedBlocks blocks among them that others own, so that they cost nothing
   * @param reason the planner's reason
   */
  record Admit(Sequence sequence, int reservedBlocks, int sharedBlocks, String reason)
      implements Decision {}

  /**
   * Leaves a sequence in the waiting queue.
   *
   * @param sequence the sequence
   * @param neededBlocks blocks that it needs
   * @param availableBlocks blocks that are available
   * @param reason the planner's reason
   */
  record Defer(Sequence sequence, int neededBlocks, int availableBlocks, String reason)
      implements Decision {}

  /**
   * Enlarges a running sequence's reservation.
   *
   * @param sequence the sequence
   * @param reservedBlocks blocks to reserve, including those reserved before
   * @param reason the planner's reason
   */
  record Grow(Sequence sequence, int reservedBlocks, String reason) implements Decision {}

  /**
   * Takes the blocks of a running sequence.
   *
   * @param sequence the sequence
   * @param mode what becomes of its KV
   * @param cause the sequence that has outgrown its reservation, may be the same; or the waiting
   *     sequence that takes the place
   * @param displaced whether a waiting sequence takes the place
   * @param reason why the planner did not grow the reservation, or why the place is taken
   */
  record Preempt(
      Sequence sequence, PreemptionMode mode, Sequence cause, boolean displaced, String reason)
      implements Decision {
    /** Returns a preemption because a sequence has outgrown its reservation. */
    static Preempt outgrown(
        Sequence victim, PreemptionMode mode, Sequence outgrown, String reason) {
      return new Preempt(victim, mode, outgrown, false, reason);
    }
  }
}
