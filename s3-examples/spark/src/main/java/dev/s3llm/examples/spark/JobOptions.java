package dev.s3llm.examples.spark;

/**
 * The options of a job.
 *
 * @param input file or folder with the columns {@code id} and {@code prompt}, and optionally {@code
 *     max_new_tokens}
 * @param output folder of the answers; rows in it are not answered again
 * @param engine settings of the engines
 * @param maxNewTokens output limit in tokens of rows without their own, at least 1
 * @param partitions number of tasks, at least 1; the rows of a task are committed together
 * @param inFlight most rows that a task holds, at least 1
 * @param balance how rows are distributed over partitions
 */
record JobOptions(
    DataSet input,
    DataSet output,
    EngineSettings engine,
    int maxNewTokens,
    int partitions,
    int inFlight,
    Balance balance) {

  /** Refuses counts below 1. */
  JobOptions {
    if (maxNewTokens < 1 || partitions < 1 || inFlight < 1) {
      throw new IllegalArgumentException(
          "maxNewTokens, partitions and inFlight must be at least 1, but are %d, %d and %d"
              .formatted(maxNewTokens, partitions, inFlight));
    }
  }
}
