package dev.s3llm.simulate;

import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;

/**
 * The result of a simulation. All values but {@link Planning#planMicros} are a function of the
 * trace, the settings and the policy. Immutable.
 *
 * @param policy the policy's name
 * @param order the name of the order of the waiting requests
 * @param requests number of requests, by the way they ended
 * @param throughput generated tokens and the time that it took
 * @param memory use of the KV memory
 * @param latency latencies of the requests
 * @param planning work of the engine's loop
 * @param groups latencies by length of the answer and by tenant
 */
public record SimulationResult(
    String policy,
    String order,
    Requests requests,
    Throughput throughput,
    Memory memory,
    Latency latency,
    Planning planning,
    Groups groups) {

  /**
   * Number of requests, by the way they ended. Immutable.
   *
   * @param total requests in the trace
   * @param finished requests that got their whole answer, up to the output limit
   * @param rejected requests that were refused because prompt and output limit exceed the KV memory
   *     or the maximum length
   * @param metTargets requests that got their whole answer within the simulation's latency targets
   */
  public record Requests(int total, int finished, int rejected, int metTargets) {}

  /**
   * Generated tokens and the time that it took. Immutable.
   *
   * @param outputTokens output tokens generated
   * @param tokensPerSecond output tokens divided by the makespan; 0 if the makespan is 0
   * @param makespanSeconds seconds from the first arrival to the last end
   */
  public record Throughput(long outputTokens, double tokensPerSecond, double makespanSeconds) {}

  /**
   * Use of the KV memory. Immutable.
   *
   * @param kvUse share of the KV blocks that held tokens, averaged over the makespan; from 0 to 1
   * @param preemptions preemptions; a sequence counts each time
   * @param recomputedTokens tokens whose KV was dropped by preemptions
   * @param swappedTokens tokens whose KV was copied to host memory by preemptions
   * @param prefixes what requests that begin alike shared
   */
  public record Memory(
      double kvUse,
      long preemptions,
      long recomputedTokens,
      long swappedTokens,
      Prefixes prefixes) {}

  /**
   * What requests that begin alike shared. Immutable.
   *
   * @param order what was forgotten first: {@code lru}, {@code expected} or {@code clairvoyant};
   *     {@code none} if nothing was shared
   * @param promptTokens prompt tokens of the requests that were not refused
   * @param cachedTokens of these, those that were not computed because an earlier request had; each
   *     request counts once, at its first admission
   * @param evictedBlocks kept blocks that were forgotten because their room was needed
   */
  public record Prefixes(String order, long promptTokens, long cachedTokens, long evictedBlocks) {}

  /**
   * Latencies of requests. Immutable.
   *
   * @param ttftSeconds seconds from arrival to the first token
   * @param tpotSeconds seconds per output token after the first; answers of one token do not count
   * @param totalSeconds seconds from arrival to the end, of whole answers
   * @param queueSeconds seconds from arrival to the first admission, of whole answers
   * @param slowdown total seconds over the seconds that the same answer takes on an idle GPU, of
   *     whole answers; 1 or more
   */
  public record Latency(
      Quantiles ttftSeconds,
      Quantiles tpotSeconds,
      Quantiles totalSeconds,
      Quantiles queueSeconds,
      Quantiles slowdown) {

    /**
     * Returns the latencies of some requests.
     *
     * @param outcomes the outcomes of the requests, any number
     */
    public static Latency of(Collection<RequestOutcome> outcomes) {
      return new Latency(
          quantiles(outcomes, o -> o.firstTokenNanos() >= 0, RequestOutcome::ttftSeconds),
          quantiles(outcomes, o -> o.outputTokens() > 1, RequestOutcome::tpotSeconds),
          quantiles(outcomes, RequestOutcome::finished, RequestOutcome::totalSeconds),
          quantiles(outcomes, RequestOutcome::finished, RequestOutcome::queuedSeconds),
          quantiles(outcomes, o -> o.finished() && o.aloneNanos() > 0, RequestOutcome::slowdown));
    }

    private static Quantiles quantiles(
        Collection<RequestOutcome> outcomes,
        Predicate<RequestOutcome> counts,
        ToDoubleFunction<RequestOutcome> value) {
      return Quantiles.of(outcomes.stream().filter(counts).mapToDouble(value).toArray());
    }
  }

  /**
   * Latencies of groups of requests. Immutable.
   *
   * @param byLength one group for each class of output lengths that occurs, the shortest first. A
   *     class holds the lengths up to 16 tokens, or the lengths from above a power of two up to the
   *     next one; its name is its first and its last length, such as {@code 33-64}
   * @param byTenant one group for each tenant, that with the most requests first; at most 100
   */
  public record Groups(List<Group> byLength, List<Group> byTenant) {

    /** Copies the lists. */
    public Groups {
      byLength = List.copyOf(byLength);
      byTenant = List.copyOf(byTenant);
    }

    /**
     * Returns the latencies of a run by length and by tenant.
     *
     * @param trace the requests
     * @param outcomes the outcomes of these requests, any number of them, in any order
     */
    public static Groups of(Trace trace, Collection<RequestOutcome> outcomes) {
      return new OutcomeGroups(trace, outcomes).groups();
    }
  }

  /**
   * A group of requests. Immutable.
   *
   * @param name the class of lengths, or the tenant; empty for requests without a tenant
   * @param requests number of requests
   * @param finished requests that got their whole answer, up to the output limit
   * @param latency their latencies
   */
  public record Group(String name, int requests, int finished, Latency latency) {}

  /**
   * Work of the engine's loop. Immutable.
   *
   * @param steps steps launched
   * @param planMicros microseconds of host time of the loop's passes that launched a step, over the
   *     latest million of them; of several engines those of the first
   * @param decisionHash hash of all events in order; equal runs have equal hashes
   */
  public record Planning(long steps, Quantiles planMicros, long decisionHash) {}

  /** Returns the requests per second that met the targets; 0 if the makespan is 0. */
  public double goodputPerSecond() {
    return throughput.makespanSeconds() == 0
        ? 0
        : requests.metTargets() / throughput.makespanSeconds();
  }

  /**
   * The mean and three quantiles of a measurement; NaN without values. Immutable.
   *
   * @param mean the mean
   * @param p50 the median
   * @param p90 the 90th percentile
   * @param p99 the 99th percentile
   */
  public record Quantiles(double mean, double p50, double p90, double p99) {

    /**
     * Returns the mean and the quantiles, by nearest rank, of some values.
     *
     * @param values any number of values, in any order; not changed
     */
    public static Quantiles of(double... values) {
      double[] sorted = values.clone();
      Arrays.sort(sorted);
      double mean = Arrays.stream(sorted).average().orElse(Double.NaN);
      return new Quantiles(mean, at(sorted, 0.5), at(sorted, 0.9), at(sorted, 0.99));
    }

    private static double at(double[] sorted, double p) {
      return sorted.length == 0 ? Double.NaN : sorted[(int) Math.ceil(p * sorted.length) - 1];
    }
  }

  /**
   * The outcome of one request of a trace. Times count from its arrival. Immutable.
   *
   * @param request index of the request in the trace, from 0
   * @param finished whether it got its whole answer, up to the output limit; if false, it was
   *     refused or failed
   * @param outputTokens number of tokens of the answer
   * @param preemptions how often it was preempted
   * @param queuedNanos nanoseconds to its first admission, or to its end without one
   * @param firstTokenNanos nanoseconds to its first token; -1 without one
   * @param totalNanos nanoseconds to its end
   * @param aloneNanos nanoseconds that the same answer takes on an idle GPU; 0 if not known
   */
  public record RequestOutcome(
      int request,
      boolean finished,
      int outputTokens,
      int preemptions,
      long queuedNanos,
      long firstTokenNanos,
      long totalNanos,
      long aloneNanos) {
    private static final double NANOS_PER_SECOND = 1e9;

    static RequestOutcome refused(int request) {
      return new RequestOutcome(request, false, 0, 0, 0, -1, 0, 0);
    }

    /** Returns the same outcome of a request that has another index. */
    RequestOutcome of(int index) {
      return new RequestOutcome(
          index,
          finished,
          outputTokens,
          preemptions,
          queuedNanos,
          firstTokenNanos,
          totalNanos,
          aloneNanos);
    }

    /** Returns the seconds to the first token; NaN without one. */
    public double ttftSeconds() {
      return firstTokenNanos < 0 ? Double.NaN : firstTokenNanos / NANOS_PER_SECOND;
    }

    /** Returns the seconds from arrival to the end. */
    public double totalSeconds() {
      return totalNanos / NANOS_PER_SECOND;
    }

    /** Returns the seconds from arrival to the first admission, or to the end without one. */
    public double queuedSeconds() {
      return queuedNanos / NANOS_PER_SECOND;
    }

    /**
     * Returns the time to the end over the time that the same answer takes on an idle GPU; infinite
     * if that is not known.
     */
    public double slowdown() {
      return (double) totalNanos / aloneNanos;
    }

    /** Returns the seconds per token after the first; 0 for an answer of at most one token. */
    public double tpotSeconds() {
      return outputTokens <= 1
          ? 0
          : (double) (totalNanos - firstTokenNanos) / (outputTokens - 1) / NANOS_PER_SECOND;
    }
  }
}
