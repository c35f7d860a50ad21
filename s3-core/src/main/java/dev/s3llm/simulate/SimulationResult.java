package dev.s3llm.simulate;

/**
 * What a simulation found. Everything but {@link #planMicros} is a function of the trace, the
 * settings and the policy.
 *
 * @param policy the policy's name
 * @param requests in the trace
 * @param finished that got their whole answer
 * @param rejected that could never fit: prompt and output limit exceed the memory or the length
 * @param metTargets that got their whole answer within the simulation's latency targets
 * @param outputTokens generated
 * @param throughputTokensPerSecond output tokens over the makespan
 * @param makespanSeconds from the first arrival to the last end
 * @param kvUse share of the KV blocks that held tokens, averaged over the makespan
 * @param preemptions sequences preempted
 * @param recomputedTokens tokens whose KV was dropped by preemptions
 * @param swappedTokens tokens whose KV was copied to host memory
 * @param ttftSeconds arrival to first token
 * @param tpotSeconds time per output token after the first, by request
 * @param planMicros host time of the loop's passes that launched a step; the last million of them
 * @param steps launched
 * @param decisionHash of every event in order: equal for equal runs
 */
public record SimulationResult(
    String policy,
    int requests,
    int finished,
    int rejected,
    int metTargets,
    long outputTokens,
    double throughputTokensPerSecond,
    double makespanSeconds,
    double kvUse,
    long preemptions,
    long recomputedTokens,
    long swappedTokens,
    Quantiles ttftSeconds,
    Quantiles tpotSeconds,
    Quantiles planMicros,
    long steps,
    long decisionHash) {

  /** Requests per second that met the targets; 0 if nothing took any time. */
  public double goodputPerSecond() {
    return makespanSeconds == 0 ? 0 : metTargets / makespanSeconds;
  }

  /**
   * Two quantiles; NaN where nothing was measured.
   *
   * @param p50 the median
   * @param p99 the 99th percentile
   */
  public record Quantiles(double p50, double p99) {}
}
