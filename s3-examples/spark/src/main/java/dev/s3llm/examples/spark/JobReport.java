package dev.s3llm.examples.spark;

import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;

/**
 * What a job did.
 *
 * @param skipped rows that the output held before
 * @param answered rows with an answer
 * @param failed rows with a reason instead
 * @param outputTokens tokens of the answers
 * @param predictSeconds reading, checking and the first pass
 * @param generateSeconds planning and the second pass
 * @param taskMillis how long each task of the second pass took, empty partitions included
 */
record JobReport(
    long skipped,
    long answered,
    long failed,
    long outputTokens,
    double predictSeconds,
    double generateSeconds,
    List<Long> taskMillis) {

  /** What an output holds. */
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

  /** Rows a second of the second pass. */
  double rowsPerSecond() {
    return (answered + failed) / generateSeconds;
  }

  /** The longest task's time over the mean; 1 if there was none. */
  double slowestOverMean() {
    LongSummaryStatistics times =
        taskMillis.stream().mapToLong(Long::longValue).summaryStatistics();
    return times.getCount() == 0 || times.getSum() == 0 ? 1 : times.getMax() / times.getAverage();
  }

  /** Lines for people. */
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
