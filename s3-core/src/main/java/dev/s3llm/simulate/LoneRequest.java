package dev.s3llm.simulate;

import dev.s3llm.execute.ExecutorProfile;

/**
 * The time that a request takes on an idle GPU: its prefill in chunks as large as a step allows,
 * and its decode steps or passes alone in the batch. Immutable.
 *
 * @param costs model of the time of a step
 * @param profile limits of the executor
 */
record LoneRequest(CostModel costs, ExecutorProfile profile) {

  /**
   * Returns the time in nanoseconds.
   *
   * @param promptTokens length of the prompt in tokens, at least 1
   * @param outputTokens length of the answer in tokens, at least 1
   */
  long nanos(int promptTokens, int outputTokens) {
    if (profile.canvasPasses() > 0) {
      int most = profile.maxContextTokens() - promptTokens;
      int canvas = SimulatedExecutor.canvas(outputTokens, Math.max(outputTokens, most));
      long pass = costs.stepNanos(canvas, (long) promptTokens + canvas, 0);
      return costs.stepNanos(promptTokens, promptTokens, 0) + profile.canvasPasses() * pass;
    }
    long nanos = 0;
    for (int end = 0; end < promptTokens; ) {
      int chunk = Math.min(promptTokens - end, profile.maxTokensPerStep());
      end += chunk;
      nanos += costs.stepNanos(chunk, end, 0);
    }
    for (int length = 1; length < outputTokens; length++) {
      nanos += costs.stepNanos(1, (long) promptTokens + length, 0);
    }
    return nanos;
  }
}
