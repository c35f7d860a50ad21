package dev.s3llm.observe;

/**
 * The engine's state after a pass of its loop. Immutable and consistent. Counters count since the
 * engine was built.
 *
 * @param health whether the engine makes progress
 * @param requests number of requests by state, and by the way they ended
 * @param memory use of the KV memory
 * @param work counters of the steps' work
 * @param predictions quality of the length predictions
 * @param faults counters of faults that did not end the engine
 */
public record EngineSnapshot(
    Health health,
    Requests requests,
    Memory memory,
    Work work,
    Predictions predictions,
    Faults faults) {

  /**
   * Number of requests by state, and by the way they ended. Immutable.
   *
   * @param predicting requests whose prediction is pending
   * @param waiting requests that wait for memory, preempted ones included
   * @param running requests that hold KV memory
   * @param submitted requests accepted
   * @param ended requests that ended, by reason
   */
  public record Requests(int predicting, int waiting, int running, long submitted, Ended ended) {

    /**
     * Returns the number of requests that were accepted and have not ended. For the engine's limit
     * on live requests a request counts a little longer, until its result is completed.
     */
    public long live() {
      return submitted - ended.total();
    }
  }

  /**
   * Number of requests that ended, by {@link FinishReason}. Immutable.
   *
   * @param stopped requests that ended with STOP
   * @param cutAtLimit requests that ended with LENGTH
   * @param cancelled requests that ended with CANCELLED
   * @param timedOut requests that ended with TIMEOUT
   * @param failed requests that ended with FAILED
   */
  public record Ended(long stopped, long cutAtLimit, long cancelled, long timedOut, long failed) {

    /** Returns the number of requests that ended. */
    public long total() {
      return stopped + cutAtLimit + cancelled + timedOut + failed;
    }
  }

  /**
   * Use of the KV memory, in blocks. Immutable.
   *
   * @param capacityBlocks blocks on the device
   * @param reservedBlocks blocks on the device that hold tokens or are reserved
   * @param allocatedBlocks blocks on the device that hold tokens
   * @param hostCapacityBlocks blocks of swap space in host memory
   * @param hostAllocatedBlocks blocks of swap space that hold tokens
   */
  public record Memory(
      int capacityBlocks,
      int reservedBlocks,
      int allocatedBlocks,
      int hostCapacityBlocks,
      int hostAllocatedBlocks) {}

  /**
   * Counters of the steps' work. Immutable.
   *
   * @param steps steps launched
   * @param outputTokens output tokens generated
   * @param preemptions preemptions; a sequence counts each time
   * @param recomputedTokens tokens whose KV was dropped by a preemption, or whose copy to host
   *     memory failed
   * @param swappedTokens tokens whose KV a preemption copied to host memory
   */
  public record Work(
      long steps, long outputTokens, long preemptions, long recomputedTokens, long swappedTokens) {}

  /**
   * Quality of the length predictions. Immutable.
   *
   * @param outgrown how often a sequence needed more than its reservation
   * @param fallbacks predictions, and repeated predictions, that failed or were late
   * @param coverageOfP90 share of answers within their predicted 90th percentile, among the answers
   *     that ended with a stop token; NaN before the first
   */
  public record Predictions(long outgrown, long fallbacks, double coverageOfP90) {}

  /**
   * Counters of faults that did not end the engine. Immutable.
   *
   * @param ignoredCompletions step completions that matched no step in flight
   * @param callbackFailures exceptions thrown by subscribers, other callbacks and listeners
   * @param droppedEvents events that were dropped because listeners were too slow
   */
  public record Faults(long ignoredCompletions, long callbackFailures, long droppedEvents) {}

  /** Returns whether the engine makes progress. */
  public boolean healthy() {
    return health.healthy();
  }

  /**
   * Returns the same state with another health.
   *
   * @param verdict whether the engine makes progress
   */
  public EngineSnapshot with(Health verdict) {
    return new EngineSnapshot(verdict, requests, memory, work, predictions, faults);
  }
}
