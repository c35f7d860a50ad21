package dev.s3llm.observe;

/**
 * The engine's state after a loop pass: an immutable, consistent picture.
 *
 * @param health whether the engine gets on with its work
 * @param waiting requests that wait for memory, those preempted included
 * @param predicting requests whose prediction is awaited
 * @param running requests that hold KV memory
 * @param capacityBlocks KV blocks on the device
 * @param reservedBlocks of those, held or set aside
 * @param allocatedBlocks of those, holding tokens
 * @param hostCapacityBlocks blocks of swap space
 * @param hostAllocatedBlocks of those, holding tokens
 * @param submitted requests accepted since the start
 * @param stopped requests that ended with STOP
 * @param cutAtLimit requests that ended with LENGTH
 * @param cancelled requests that ended with CANCELLED
 * @param timedOut requests that ended with TIMEOUT
 * @param failed requests that ended with FAILED
 * @param steps steps launched
 * @param outputTokens tokens delivered
 * @param preemptions sequences preempted
 * @param recomputedTokens tokens whose KV was dropped by a preemption
 * @param swappedTokens tokens whose KV was copied out
 * @param outgrown how often a sequence asked for more than its reservation
 * @param predictorFallbacks predictions that failed or were late
 * @param ignoredCompletions step completions that matched no step in flight
 * @param callbackFailures exceptions thrown by callbacks and listeners
 * @param droppedEvents events that a slow listener missed
 * @param coverageOfP90 share of answers within their predicted 90th percentile; NaN before the
 *     first
 */
public record EngineSnapshot(
    Health health,
    int waiting,
    int predicting,
    int running,
    int capacityBlocks,
    int reservedBlocks,
    int allocatedBlocks,
    int hostCapacityBlocks,
    int hostAllocatedBlocks,
    long submitted,
    long stopped,
    long cutAtLimit,
    long cancelled,
    long timedOut,
    long failed,
    long steps,
    long outputTokens,
    long preemptions,
    long recomputedTokens,
    long swappedTokens,
    long outgrown,
    long predictorFallbacks,
    long ignoredCompletions,
    long callbackFailures,
    long droppedEvents,
    double coverageOfP90) {

  /** Whether the engine gets on with its work. */
  public boolean healthy() {
    return health.healthy();
  }

  /** The same state with another verdict on it. */
  public EngineSnapshot with(Health verdict) {
    return new EngineSnapshot(
        verdict,
        waiting,
        predicting,
        running,
        capacityBlocks,
        reservedBlocks,
        allocatedBlocks,
        hostCapacityBlocks,
        hostAllocatedBlocks,
        submitted,
        stopped,
        cutAtLimit,
        cancelled,
        timedOut,
        failed,
        steps,
        outputTokens,
        preemptions,
        recomputedTokens,
        swappedTokens,
        outgrown,
        predictorFallbacks,
        ignoredCompletions,
        callbackFailures,
        droppedEvents,
        coverageOfP90);
  }

  /** Requests that ended, however they ended. */
  public long ended() {
    return stopped + cutAtLimit + cancelled + timedOut + failed;
  }

  /**
   * Requests accepted and not ended: those that the loop has to do with. The engine counts a
   * request as live a little longer, until its result is handed over.
   */
  public long live() {
    return submitted - ended();
  }
}
