package dev.s3llm.schedule;

/**
 * The order in which the waiting sequences of one tenant are considered for admission.
 *
 * <p>The sequence with the higher priority goes first. Among equal priorities the lower {@link
 * #rank} goes first, and among equal ranks the earlier arrival.
 *
 * <p>No order starves a request. A sequence has been overtaken when a sequence of its tenant that
 * arrived later is admitted before it; the arrival is the submission, and a preemption does not
 * change it. Admissions of sequences that arrived earlier do not count, so priorities and ranks
 * keep their effect in a queue of any depth. A sequence that was overtaken as often as {@link
 * #maxOvertakes(SequenceView)} allows goes before all sequences that have not reached their bound;
 * among those at their bound the earlier arrival goes first. So when a sequence is admitted for the
 * first time, at most {@code maxOvertakes} later arrivals were admitted before it, and otherwise
 * only sequences that had arrived before it.
 *
 * <p>The engine calls a policy from one thread. One policy may serve several engines if it is
 * thread-safe; the policies of this library are immutable. Equal arguments must give equal results.
 */
public interface SchedulingPolicy {

  /** Returns a short name for logs and tables. */
  String name();

  /**
   * Returns the sequence's rank; lower ranks go first. The engine computes it once each time when
   * the sequence joins the queue, also after a preemption.
   *
   * @param sequence the sequence that joins the queue
   * @param admissionBlocks KV blocks that the planner would set aside for it, at least 1
   */
  long rank(SequenceView sequence, int admissionBlocks);

  /**
   * Returns whether later sequences are tried when a sequence does not fit. If false, a sequence
   * that does not fit holds up all others. A sequence that has reached its bound on overtaking
   * holds up all others in any case.
   */
  boolean skipsUnfit();

  /**
   * Returns the lowest rank that can fit into the available blocks; the engine skips lower ranks of
   * the same priority. Called only if {@link #skipsUnfit} returns true. By default no rank is
   * skipped.
   *
   * @param availableBlocks KV blocks that are not reserved, 0 or more
   */
  default long firstRankWithin(int availableBlocks) {
    return Long.MIN_VALUE;
  }

  /**
   * Returns how often sequences that arrived later may overtake a waiting one at most, 1 or more.
   */
  int maxOvertakes();

  /**
   * Returns how often later arrivals may overtake this sequence, from 1 to {@link #maxOvertakes()};
   * {@link #maxOvertakes()} by default. The engine calls it each time when the sequence joins the
   * queue.
   *
   * @param sequence the sequence that joins the queue
   */
  default int maxOvertakes(SequenceView sequence) {
    return maxOvertakes();
  }
}
