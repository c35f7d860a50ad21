package dev.s3llm.examples.spark;

/**
 * What a job does.
 *
 * @param input file or folder with columns {@code id}, {@code prompt} and, if wanted, {@code
 *     max_new_tokens}
 * @param output folder; what it holds already is not made again
 * @param maxNewTokens output limit of rows without their own
 * @param partitions how many tasks; each one's rows are committed together
 * @param inFlight rows that a task holds at most
 */
record JobOptions(
    String input,
    DataFormat inputFormat,
    String output,
    DataFormat outputFormat,
    EngineSettings engine,
    int maxNewTokens,
    int partitions,
    int inFlight,
    Balance balance) {

  /** Validates that the counts are at least 1. */
  JobOptions {
    if (maxNewTokens < 1 || partitions < 1 || inFlight < 1) {
      throw new IllegalArgumentException(
          "maxNewTokens, partitions and inFlight must be at least 1, but are %d, %d and %d"
              .formatted(maxNewTokens, partitions, inFlight));
    }
  }
}
