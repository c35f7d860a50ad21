package dev.s3llm.schedule;

/**
 * In which order the waiting sequences of a tenant are considered. Higher priority goes first;
 * among equals the lower rank; among those the earlier arrival. A sequence that {@link
 * #maxOvertakes} others have passed goes before all, so that no order starves anyone.
 *
 * <p>Implementations are immutable.
 */
public interface SchedulingPolicy {

  /** A short name for logs and tables. */
  String name();

  /**
   * The sequence's rank, computed when it joins the queue (again).
   *
   * @param admissionBlocks blocks that the planner would set aside for it
   */
  long rank(SequenceView sequence, int admissionBlocks);

  /** Whether a sequence that does not fit lets later ones try, or holds them up. */
  boolean skipsUnfit();

  /**
   * The lowest rank worth trying when this many blocks are available; only asked of orders that
   * skip what does not fit.
   */
  default long firstRankWithin(int availableBlocks) {
    return Long.MIN_VALUE;
  }

  /** How many others may pass a waiting sequence before it goes first, at most. */
  int maxOvertakes();

  /**
   * How many others may pass this sequence, from 1 to {@link #maxOvertakes()}; asked when it joins
   * the queue (again). The same for all by default.
   */
  default int maxOvertakes(SequenceView sequence) {
    return maxOvertakes();
  }
}
