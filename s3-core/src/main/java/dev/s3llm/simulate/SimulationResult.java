package dev.s3llm.simulate;

/**
 * What a simulation found. Everything but {@link Planning#planMicros} is a function of the trace,
 * the settings and the policy.
 *
 * @param policy the policy's name
 * @param requests how many requests the trace has, and how they ended
 * @param throughput how much was generated, in what time
 * @param memory how the KV memory was used
 * @param latency how long requests took
 * @param planning what the engine's loop did
 */
public record SimulationResult(
    String policy,
    Requests requests,
    Throughput throughput,
    Memory memory,
    Latency latency,
    Planning planning) {

  /**
   * How many requests the trace has, and how they ended.
   *
   * @param total in the trace
   * @param finished that got their whole answer
   * @param rejected that could never fit: prompt and output limit exceed the memory or the length
   * @param metTargets that got their whole answer within the simulation's latency targets
   */
  public record Requests(int total, int finished, int rejected, int metTargets) {}

  /**
   * How much was generated, in what time.
   *
   * @param outputTokens tokens generated
   * @param tokensPerSecond output tokens over the makespan
   * @param makespanSeconds from the first arrival to the last end
   */
  public record Throughput(long outputTokens, double tokensPerSecond, double makespanSeconds) {}

  /**
   * How the KV memory was used.
   *
   * @param kvUse share of the KV blocks that held tokens, averaged over the makespan
   * @param preemptions sequences preempted
   * @param recomputedTokens tokens whose KV was dropped by preemptions
   * @param swappedTokens tokens whose KV was copied to host memory
   */
  public record Memory(double kvUse, long preemptions, long recomputedTokens, long swappedTokens) {}

  /**
   * How long requests took.
   *
   * @param ttftSeconds arrival to first token
   * @param tpotSeconds time per output token after the first, by request
   */
  public record Latency(Quantiles ttftSeconds, Quantiles tpotSeconds) {}

  /**
   * What the engine's loop did.
   *
   * @param steps steps launched
   * @param planMicros host time of the loop's passes that launched a step; the last million of them
   * @param decisionHash of every event in order: equal for equal runs
   */
  public record Planning(long steps, Quantiles planMicros, long decisionHash) {}

  /** Requests per second that met the targets; 0 if nothing took any time. */
  public double goodputPerSecond() {
    return throughput.makespanSeconds() == 0
        ? 0
        : requests.metTargets() / throughput.makespanSeconds();
  }

  /**
   * Two quantiles; NaN where nothing was measured.
   *
   * @param p50 the median
   * @param p99 the 99th percentile
   */
  public record Quantiles(double p50, double p99) {}

  /**
   * How one request of a trace fared. Times count from its arrival.
   *
   * @param request its place in the trace, from 0
   * @param finished whether it got its whole answer; otherwise it could never fit and was refused
   * @param outputTokens tokens of the answer
   * @param preemptions how often it was preempted
   * @param queuedNanos to its first admission
   * @param firstTokenNanos to its first token; -1 without one
   * @param totalNanos to its end
   */
  public record RequestOutcome(
      int request,
      boolean finished,
      int outputTokens,
      int preemptions,
      long queuedNanos,
      long firstTokenNanos,
      long totalNanos) {
    private static final double NANOS_PER_SECOND = 1e9;

    static RequestOutcome refused(int request) {
      return new RequestOutcome(request, false, 0, 0, 0, -1, 0);
    }

    /** Time to the first token; NaN without one. */
    public double ttftSeconds() {
      return firstTokenNanos < 0 ? Double.NaN : firstTokenNanos / NANOS_PER_SECOND;
    }

    /** Time per token after the first; 0 for an answer of one token. */
    public double tpotSeconds() {
      return outputTokens <= 1
          ? 0
          : (double) (totalNanos - firstTokenNanos) / (outputTokens - 1) / NANOS_PER_SECOND;
    }
  }
}
