package dev.s3llm.examples.spark;

/** Computes the output limit of a row. */
final class OutputLimit {
  private OutputLimit() {}

  /**
   * Returns the row's own limit unchanged, so that the row is refused if it does not fit, or else
   * the job's limit, reduced to the tokens that the prompt leaves.
   *
   * @param own the row's own limit in tokens; 0 for none
   * @param job the limit in tokens of rows without their own, at least 1
   * @param promptTokens tokens of the prompt
   * @param maxTokens the most tokens of prompt and answer together
   * @return the limit in tokens, at least 1
   */
  static int of(int own, int job, int promptTokens, long maxTokens) {
    return own > 0 ? own : (int) Math.max(1, Math.min(job, maxTokens - promptTokens));
  }
}
