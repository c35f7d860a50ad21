package dev.s3llm.onnx;

/**
 * Counts of an {@link OnnxLengthPredictor} since it was created: an immutable snapshot.
 *
 * @param model predictions of the model
 * @param fallback predictions of the empirical predictor instead
 * @param latency times of the model's last 1,024 predictions
 */
public record OnnxPredictorStats(Model model, Fallback fallback, Latency latency) {

  /**
   * Predictions of the model.
   *
   * @param predictions answers of the model, those from the cache included
   * @param cacheHits answers from the cache
   * @param batches runs of the model
   * @param reloads models loaded by {@link OnnxLengthPredictor#reload}
   * @param onlineHead whether the online head answers at present
   */
  public record Model(
      long predictions, long cacheHits, long batches, long reloads, boolean onlineHead) {}

  /**
   * Predictions of the empirical predictor.
   *
   * @param predictions all of them: no prompt text, a full queue, or a model that failed or
   *     returned values that are not finite
   * @param failures of these, queries whose run failed or returned such values
   * @param rejected of these, queries that found the queue full or the predictor closed
   */
  public record Fallback(long predictions, long failures, long rejected) {}

  /**
   * Times from query to answer, in nanoseconds; 0 before the first.
   *
   * @param p50Nanos median
   * @param p99Nanos 99th percentile
   */
  public record Latency(long p50Nanos, long p99Nanos) {}
}
