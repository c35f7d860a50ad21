package dev.s3llm.simulate;

/**
 * How soon a request wants its tokens. A request that met both limits counts for goodput.
 *
 * @param ttftSeconds the longest time to the first token; infinite for no limit
 * @param tpotSeconds the longest time per output token after the first; infinite for no limit
 */
public record LatencyTargets(double ttftSeconds, double tpotSeconds) {
  /** No limits: every whole answer meets them. */
  public static final LatencyTargets NONE =
      new LatencyTargets(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);

  /** Validates that both limits are above zero. */
  public LatencyTargets {
    if (!(ttftSeconds > 0 && tpotSeconds > 0)) {
      throw new IllegalArgumentException(
          "ttftSeconds and tpotSeconds must be above 0, but are %s and %s"
              .formatted(ttftSeconds, tpotSeconds));
    }
  }

  /** Whether the request got its whole answer within both limits. */
  public boolean metBy(RequestOutcome outcome) {
    return outcome.finished()
        && outcome.ttftSeconds() <= ttftSeconds
        && outcome.tpotSeconds() <= tpotSeconds;
  }
}
