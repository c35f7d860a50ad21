package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.recover.PreemptionMode;

/** What a plan decides about a sequence, and why. */
public sealed interface Decision {

  /** Whom it is about. */
  Sequence sequence();

  /** Why; stable text without request data. */
  String reason();

  /**
   * Start a waiting sequence, or start it again.
   *
   * @param reservedBlocks its reservation in all
   */
  record Admit(Sequence sequence, int reservedBlocks, String reason) implements Decision {}

  /**
   * Leave it waiting.
   *
   * @param neededBlocks what it needs
   * @param availableBlocks what there is
   */
  record Defer(Sequence sequence, int neededBlocks, int availableBlocks, String reason)
      implements Decision {}

  /**
   * Enlarge a running sequence's reservation.
   *
   * @param reservedBlocks its reservation in all
   */
  record Grow(Sequence sequence, int reservedBlocks, String reason) implements Decision {}

  /**
   * Take a running sequence's blocks away.
   *
   * @param mode what becomes of its KV
   * @param outgrown the sequence that needed room, possibly the same
   */
  record Preempt(Sequence sequence, PreemptionMode mode, Sequence outgrown, String reason)
      implements Decision {}
}
