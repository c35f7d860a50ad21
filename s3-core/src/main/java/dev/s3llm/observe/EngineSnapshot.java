package dev.s3llm.observe;

/**
 * The engine's state after a pass of its loop: an immutable, consistent picture. Counters count
 * since the engine started.
 *
 * @param health whether the engine makes progress
 * @param requests how many requests are where, and how they ended
 * @param memory who uses the KV memory
 * @param work what the steps did
 * @param predictions how well lengths were predicted
 * @param faults what went wrong without ending the engine
 */
public record EngineSnapshot(
    Health health,
    Requests requests,
    Memory memory,
    Work work,
    Predictions predictions,
    Faults faults) {

  /**
   * How many requests are where, and how they ended.
   *
   * @param predicting requests whose prediction is pending
   * @param waiting requests that wait for memory, those preempted included
   * @param running requests that hold KV memory
   * @param submitted requests accepted
   * @param ended requests that ended, by reason
   */
  public record Requests(int predicting, int waiting, int running, long submitted, Ended ended) {

    /**
     * Returns the requests accepted and not ended, as the loop counts them. The engine counts a
     * request as live a little longer, until its result is completed.
     */
    public long live() {
      return submitted - ended.total();
    }
  }

  /**
   * Requests that ended, by {@link FinishReason}.
   *
   * @param stopped ended with STOP
   * @param cutAtLimit ended with LENGTH
   * @param cancelled ended with CANCELLED
   * @param timedOut ended with TIMEOUT
   * @param failed ended with FAILED
   */
  public record Ended(long stopped, long cutAtLimit, long cancelled, long timedOut, long failed) {

    /** Returns the requests that ended, however they ended. */
    public long total() {
      return stopped + cutAtLimit + cancelled + timedOut + failed;
    }
  }

  /**
   * Who uses the KV memory, in blocks.
   *
   * @param capacityBlocks blocks on the device
   * @param reservedBlocks of those, held or set aside
   * @param allocatedBlocks of those, holding tokens
   * @param hostCapacityBlocks blocks of swap space in host memory
   * @param hostAllocatedBlocks of those, holding tokens
   */
  public record Memory(
      int capacityBlocks,
      int reservedBlocks,
      int allocatedBlocks,
      int hostCapacityBlocks,
      int hostAllocatedBlocks) {}

  /**
   * What the steps did.
   *
   * @param steps steps launched
   * @param outputTokens tokens delivered
   * @param preemptions sequences preempted
   * @param recomputedTokens tokens whose KV was dropped by a preemption
   * @param swappedTokens tokens whose KV was copied to host memory
   */
  public record Work(
      long steps, long outputTokens, long preemptions, long recomputedTokens, long swappedTokens) {}

  /**
   * How well lengths were predicted.
   *
   * @param outgrown how often a sequence needed more than its reservation
   * @param fallbacks predictions that failed or were late
   * @param coverageOfP90 share of answers within their predicted 90th percentile; NaN before the
   *     first
   */
  public record Predictions(long outgrown, long fallbacks, double coverageOfP90) {}

  /**
   * What went wrong without ending the engine.
   *
   * @param ignoredCompletions step completions that matched no step in flight
   * @param callbackFailures exceptions thrown by callbacks and listeners
   * @param droppedEvents events that a slow listener missed
   */
  public record Faults(long ignoredCompletions, long callbackFailures, long droppedEvents) {}

  /** Returns whether the engine makes progress. */
  public boolean healthy() {
    return health.healthy();
  }

  /**
   * Returns the same state with another verdict on it.
   *
   * @param verdict whether the engine makes progress
   */
  public EngineSnapshot with(Health verdict) {
    return new EngineSnapshot(verdict, requests, memory, work, predictions, faults);
  }
}
