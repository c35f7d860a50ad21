package dev.s3llm.observe;

import dev.s3llm.error.RequestRefusedException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

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
 * @param latency times of the requests
 * @param tenants requests by tenant, at most {@link #MOST_TENANTS} and the tenants that have a
 *     weight; all further ones count as {@link #OTHER_TENANTS}. The first tenants that submit a
 *     request are listed, as long as the engine lives. Requests without a tenant are not counted
 *     here
 */
public record EngineSnapshot(
    Health health,
    Requests requests,
    Memory memory,
    Work work,
    Predictions predictions,
    Faults faults,
    Latency latency,
    Map<String, Tenant> tenants) {

  /** The most tenants without a weight that {@link #tenants} lists by name. */
  public static final int MOST_TENANTS = 32;

  /** The name under which {@link #tenants} counts all tenants that it does not list. */
  public static final String OTHER_TENANTS = "other";

  /** Copies the map. */
  public EngineSnapshot {
    tenants = Map.copyOf(tenants);
  }

  /**
   * Number of requests by state, and by the way they ended. Immutable.
   *
   * @param predicting requests whose prediction is pending
   * @param waiting requests that wait for memory, preempted ones included
   * @param running requests that hold KV memory
   * @param submitted requests accepted
   * @param ended requests that ended, by reason
   * @param refused requests that were refused
   */
  public record Requests(
      int predicting, int waiting, int running, long submitted, Ended ended, Refused refused) {

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
   * Number of requests that were refused. Counted when {@link dev.s3llm.S3Engine#snapshot} is
   * called, so that it is right although the loop is idle or has ended. A request that was refused
   * because its first token would come too late was accepted before: it counts as submitted and as
   * failed, too. Immutable.
   *
   * @param byReason by reason; a reason that did not occur is missing
   * @param byTenant by tenant, with the names of {@link EngineSnapshot#tenants}
   */
  public record Refused(
      Map<RequestRefusedException.Reason, Long> byReason, Map<String, Long> byTenant) {
    /** No refusals. */
    public static final Refused NONE = new Refused(Map.of(), Map.of());

    /** Copies the maps. */
    public Refused {
      byReason = Map.copyOf(byReason);
      byTenant = Map.copyOf(byTenant);
    }

    /** Returns the number of requests that were refused. */
    public long total() {
      return byReason.values().stream().mapToLong(Long::longValue).sum();
    }
  }

  /**
   * Times of requests, as histograms. Immutable.
   *
   * @param queue time from submission to the first admission, or to the end of a request that was
   *     never admitted
   * @param firstToken time from submission to the first token; counted when the token is generated
   * @param perOutputToken mean time per token after the first; counted at the end of each request
   *     with two or more tokens
   * @param total time from submission to the end, of requests that ended with STOP or LENGTH
   */
  public record Latency(
      Histogram queue, Histogram firstToken, Histogram perOutputToken, Histogram total) {
    /** No requests. */
    public static final Latency NONE =
        new Latency(Histogram.NONE, Histogram.NONE, Histogram.NONE, Histogram.NONE);
  }

  /**
   * Durations, counted by size. Immutable.
   *
   * @param bounds upper bounds of the buckets, ascending; each belongs to its bucket
   * @param counts number of durations in each bucket; the last bucket, which has no bound, holds
   *     those above all bounds
   * @param sum sum of all durations
   */
  public record Histogram(List<Duration> bounds, List<Long> counts, Duration sum) {
    /** No durations, in a single bucket. */
    public static final Histogram NONE = new Histogram(List.of(), List.of(0L), Duration.ZERO);

    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if there is not one more count than bounds
     */
    public Histogram {
      bounds = List.copyOf(bounds);
      counts = List.copyOf(counts);
      if (counts.size() != bounds.size() + 1) {
        throw new IllegalArgumentException(
            "%d bounds need %d counts, but there are %d"
                .formatted(bounds.size(), bounds.size() + 1, counts.size()));
      }
    }

    /** Returns the number of durations. */
    public long count() {
      return counts.stream().mapToLong(Long::longValue).sum();
    }
  }

  /**
   * The requests of a tenant. Immutable.
   *
   * @param submitted requests accepted
   * @param promptTokens prompt tokens of the requests accepted
   * @param outputTokens output tokens of the requests that ended
   * @param latency times of its requests
   */
  public record Tenant(long submitted, long promptTokens, long outputTokens, Latency latency) {}

  /**
   * Use of the KV memory, in blocks. Immutable.
   *
   * @param capacityBlocks blocks on the device
   * @param reservedBlocks blocks on the device that hold tokens or are reserved
   * @param allocatedBlocks blocks on the device that hold tokens
   * @param hostCapacityBlocks blocks of swap space in host memory
   * @param hostAllocatedBlocks blocks of swap space that hold tokens
   * @param prefixes blocks that requests share, and that are kept without a request
   */
  public record Memory(
      int capacityBlocks,
      int reservedBlocks,
      int allocatedBlocks,
      int hostCapacityBlocks,
      int hostAllocatedBlocks,
      Prefixes prefixes) {

    /**
     * Creates the use of a memory without shared blocks.
     *
     * @param capacityBlocks blocks on the device
     * @param reservedBlocks blocks on the device that hold tokens or are reserved
     * @param allocatedBlocks blocks on the device that hold tokens
     * @param hostCapacityBlocks blocks of swap space in host memory
     * @param hostAllocatedBlocks blocks of swap space that hold tokens
     */
    public Memory(
        int capacityBlocks,
        int reservedBlocks,
        int allocatedBlocks,
        int hostCapacityBlocks,
        int hostAllocatedBlocks) {
      this(
          capacityBlocks,
          reservedBlocks,
          allocatedBlocks,
          hostCapacityBlocks,
          hostAllocatedBlocks,
          Prefixes.NONE);
    }
  }

  /**
   * Blocks that requests share because they begin alike, and what that saved. Immutable.
   *
   * @param sharedBlocks blocks that more than one running request owns, each counted once
   * @param keptBlocks blocks without a request that are kept for later ones; they count as
   *     available
   * @param cachedTokens prompt tokens that were not computed because an earlier request had; each
   *     request counts once, at its first admission
   * @param forgottenBlocks kept blocks that were forgotten because their room was needed
   * @param storedBlocks forgotten blocks that are kept in host memory
   */
  public record Prefixes(
      int sharedBlocks, int keptBlocks, long cachedTokens, long forgottenBlocks, int storedBlocks) {
    /** Nothing is shared or kept. */
    public static final Prefixes NONE = new Prefixes(0, 0, 0, 0, 0);
  }

  /**
   * Counters of the steps' work. Immutable.
   *
   * @param steps steps launched
   * @param promptTokens prompt tokens of the requests accepted; an input counts with its slots
   * @param outputTokens output tokens generated
   * @param preempted preemptions, by reason
   * @param recomputedTokens tokens whose KV was dropped by a preemption, or whose copy to host
   *     memory failed
   * @param swappedTokens tokens whose KV a preemption copied to host memory
   * @param thinkingTokens output tokens that were thinking, of the requests that ended
   */
  public record Work(
      long steps,
      long promptTokens,
      long outputTokens,
      Preempted preempted,
      long recomputedTokens,
      long swappedTokens,
      long thinkingTokens) {

    /**
     * Creates the counters of requests that did not think.
     *
     * @param steps steps launched
     * @param promptTokens prompt tokens of the requests accepted
     * @param outputTokens output tokens generated
     * @param preempted preemptions, by reason
     * @param recomputedTokens tokens whose KV was dropped by a preemption, or whose copy failed
     * @param swappedTokens tokens whose KV a preemption copied to host memory
     */
    public Work(
        long steps,
        long promptTokens,
        long outputTokens,
        Preempted preempted,
        long recomputedTokens,
        long swappedTokens) {
      this(steps, promptTokens, outputTokens, preempted, recomputedTokens, swappedTokens, 0);
    }

    /** Returns the number of preemptions; a sequence counts each time. */
    public long preemptions() {
      return preempted.total();
    }
  }

  /**
   * Number of preemptions, by reason; a sequence counts each time. Immutable.
   *
   * @param outgrown the sequence itself needed more than its reservation
   * @param reclaimed another running sequence needed more than its reservation
   * @param displaced the scheduling policy gave the place to a waiting sequence
   */
  public record Preempted(long outgrown, long reclaimed, long displaced) {

    /** Returns the number of preemptions. */
    public long total() {
      return outgrown + reclaimed + displaced;
    }
  }

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
   * @param callbackFailures exceptions thrown by subscribers, other callbacks and listeners, and
   *     steps whose log probabilities did not fit
   * @param droppedEvents events that were dropped because listeners were too slow
   */
  public record Faults(long ignoredCompletions, long callbackFailures, long droppedEvents) {}

  /** Returns whether the engine makes progress. */
  public boolean healthy() {
    return health.healthy();
  }

  /**
   * Returns the same state with another health and other refusals.
   *
   * @param verdict whether the engine makes progress
   * @param refused requests that were refused
   */
  public EngineSnapshot with(Health verdict, Refused refused) {
    Requests counted =
        new Requests(
            requests.predicting,
            requests.waiting,
            requests.running,
            requests.submitted,
            requests.ended,
            refused);
    return new EngineSnapshot(
        verdict, counted, memory, work, predictions, faults, latency, tenants);
  }
}
