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

  /**
   * Returns how often other sequences may take the place of a running one at most; 0 by default,
   * for never. Preemptions because of memory do not count.
   */
  default int maxDisplacements() {
    return 0;
  }

  /**
   * Returns whether a waiting sequence takes the place of a running one. The running one is then
   * preempted, by swap or recompute, and waits with its rank among the others; its tokens do not
   * change. The engine calls it for the first waiting sequence only, if that does not fit and would
   * fit in the running one's place. It displaces the sequence with the most expected remaining
   * output among those that this method allows. False by default; called only if {@link
   * #maxDisplacements} is above 0.
   *
   * @param waiting the first waiting sequence
   * @param running a running sequence of the same tenant and of no higher priority, or of a tenant
   *     that has had more service for its weight
   * @param costTokens output tokens that the batch does not generate in the time that it takes to
   *     bring the running sequence back, 0 or more
   */
  default boolean displaces(SequenceView waiting, SequenceView running, double costTokens) {
    return false;
  }
}
