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
   * @param reservedBlocks blocks to reserve
   * @param reason the planner's reason
   */
  record Admit(Sequence sequence, int reservedBlocks, String reason) implements Decision {}

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
   * @param outgrown the sequence that has outgrown its reservation; may be the same
   * @param reason why the planner did not grow the reservation
   */
  record Preempt(Sequence sequence, PreemptionMode mode, Sequence outgrown, String reason)
      implements Decision {}
}
