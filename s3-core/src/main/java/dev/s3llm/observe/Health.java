package dev.s3llm.observe;

/**
 * Whether the engine gets on with its work, judged by progress and not by promises: it is healthy
 * if a step was completed, or there was nothing to do, within the watchdog's limit.
 *
 * @param healthy whether it does
 * @param reason what is wrong, and the thread that is stuck where one is; empty if nothing is
 */
public record Health(boolean healthy, String reason) {
  /** Nothing is wrong. */
  public static final Health OK = new Health(true, "");

  /** Something is wrong. */
  public static Health bad(String reason) {
    return new Health(false, reason);
  }
}
