package dev.s3llm.examples.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.s3llm.GenerationResult;
import dev.s3llm.predict.LengthPrediction;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Tokens of a request.
 *
 * @param promptTokens of the prompt
 * @param completionTokens of the answer
 * @param totalTokens of both
 * @param s3 what was predicted and reserved; no part of OpenAI's protocol
 */
record Usage(int promptTokens, int completionTokens, int totalTokens, S3 s3) {

  /**
   * What was predicted and reserved, and what it waited for.
   *
   * @param predictedP50 median of the predicted answer length, in tokens
   * @param predictedP90 its 90th percentile
   * @param reservedTokens KV slots set aside when it started
   * @param preemptions how often its memory was taken away
   * @param queuedMs until it started
   * @param ttftMs until its first token
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record S3(
      @Nullable Integer predictedP50,
      @Nullable Integer predictedP90,
      int reservedTokens,
      int preemptions,
      double queuedMs,
      @Nullable Double ttftMs) {}

  static Usage of(GenerationResult result) {
    @Nullable LengthPrediction prediction = result.prediction().orElse(null);
    S3 s3 =
        new S3(
            prediction == null ? null : prediction.quantile(0.5),
            prediction == null ? null : prediction.quantile(0.9),
            result.reservedTokens(),
            result.preemptions(),
            millis(result.queued()),
            result.timeToFirstToken().map(Usage::millis).orElse(null));
    return new Usage(
        result.promptTokens(),
        result.outputTokens(),
        Math.addExact(result.promptTokens(), result.outputTokens()),
        s3);
  }

  private static double millis(Duration duration) {
    return Math.rint(duration.toNanos() / 1e3) / 1e3;
  }
}
