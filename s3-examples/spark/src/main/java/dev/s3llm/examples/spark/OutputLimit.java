package dev.s3llm.examples.spark;

/** How many tokens a row's answer may have. */
final class OutputLimit {
  private OutputLimit() {}

  /**
   * A row's own limit holds as it is, and the row is refused if it does not fit; the job's limit is
   * cut to what the prompt leaves of the context.
   *
   * @param own the row's limit, 0 for none
   * @param job the limit of rows without one
   * @param maxTokens the most tokens that prompt and answer may have together
   */
  static int of(int own, int job, int promptTokens, long maxTokens) {
    return own > 0 ? own : (int) Math.max(1, Math.min(job, maxTokens - promptTokens));
  }
}
