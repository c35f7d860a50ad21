package dev.s3llm.observe;

/**
 * Whether the engine makes progress. It is unhealthy if its executor or its loop is lost, or if,
 * for longer than the watchdog's limit, a step has been in flight, the loop has made no pass, or
 * requests have waited without a step. Immutable.
 *
 * @param healthy whether the engine makes progress
 * @param reason the problem, with the name of the stuck thread if there is one; empty if healthy
 */
public record Health(boolean healthy, String reason) {
  /** The health of an engine that makes progress. */
  public static final Health OK = new Health(true, "");

  /**
   * Returns the health of an engine that makes no progress.
   *
   * @param reason the problem, with the name of the stuck thread if there is one
   */
  public static Health bad(String reason) {
    return new Health(false, reason);
  }
}
