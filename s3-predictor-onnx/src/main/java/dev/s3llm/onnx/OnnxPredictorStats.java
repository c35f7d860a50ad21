package dev.s3llm.onnx;

/**
 * What an {@link OnnxLengthPredictor} has done since it was created: an immutable picture.
 *
 * @param predictions answers of the model, those from the cache included
 * @param cacheHits answers from the cache
 * @param batches runs of the model
 * @param fallbacks answers of the empirical predictor instead: no prompt text, a full queue, or a
 *     model that failed or returned nonsense
 * @param failures of those, questions whose run failed or returned nonsense
 * @param rejected of those, questions that found the queue full or the predictor closed
 * @param reloads models swapped in
 * @param onlineHead whether the online head answers at present
 * @param latencyP50Nanos median time from question to answer over the last 1,024 model answers
 * @param latencyP99Nanos 99th percentile of the same
 */
public record OnnxPredictorStats(
    long predictions,
    long cacheHits,
    long batches,
    long fallbacks,
    long failures,
    long rejected,
    long reloads,
    boolean onlineHead,
    long latencyP50Nanos,
    long latencyP99Nanos) {}
