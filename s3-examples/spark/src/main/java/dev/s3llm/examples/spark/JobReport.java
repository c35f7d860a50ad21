package dev.s3llm.examples.spark;

import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;

/**
 * The results of a job.
 *
 * @param skipped rows that the output contained before
 * @param answered rows with an answer
 * @param failed rows with an error instead
 * @param outputTokens tokens of the answers
 * @param predictSeconds time to read and check the input, and of the first pass
 * @param generateSeconds time to plan the partitions, and of the second pass
 * @param taskMillis milliseconds of each task of the second pass, including empty partitions
 */
record JobReport(
    long skipped,
    long answered,
    long failed,
    long outputTokens,
    double predictSeconds,
    double generateSeconds,
    List<Long> taskMillis) {

  /**
   * The contents of an output.
   *
   * @param rows all rows
   * @param failed rows with an error
   * @param outputTokens tokens of the answers
   */
  record Totals(long rows, long failed, long outputTokens) {}

  static JobReport of(
      Totals before,
      Totals after,
      double predictSeconds,
      double generateSeconds,
      List<Long> taskMillis) {
    long failed = after.failed - before.failed;
    return new JobReport(
        before.rows,
        after.rows - before.rows - failed,
        failed,
        after.outputTokens - before.outputTokens,
        predictSeconds,
        generateSeconds,
        taskMillis);
  }

  /** Returns the rows per second of the second pass. */
  double rowsPerSecond() {
    return (answered + failed) / generateSeconds;
  }

  /** Returns the time of the longest task over the mean; 1 without tasks. */
  double slowestOverMean() {
    LongSummaryStatistics times =
        taskMillis.stream().mapToLong(Long::longValue).summaryStatistics();
    return times.getCount() == 0 || times.getSum() == 0 ? 1 : times.getMax() / times.getAverage();
  }

  /** Returns a summary on three lines. */
  String summary() {
    return String.format(
        Locale.ROOT,
        "%d rows answered, %d failed, %d were there before%n"
            + "lengths predicted in %.1f s, %d tokens generated in %.1f s: %.1f rows/s, %.0f tokens/s%n"
            + "%d tasks, the slowest took %.2f times the mean",
        answered,
        failed,
        skipped,
        predictSeconds,
        outputTokens,
        generateSeconds,
        rowsPerSecond(),
        outputTokens / generateSeconds,
        taskMillis.size(),
        slowestOverMean());
  }
}
