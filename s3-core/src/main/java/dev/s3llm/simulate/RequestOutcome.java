package dev.s3llm.simulate;

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
