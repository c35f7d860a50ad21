package dev.s3llm.examples.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.s3llm.GenerationResult;
import dev.s3llm.predict.LengthPrediction;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Token counts of a request.
 *
 * @param promptTokens tokens of the prompt
 * @param completionTokens tokens of the answer
 * @param totalTokens tokens of both
 * @param promptTokensDetails which tokens of the prompt were not computed
 * @param s3 prediction and scheduling, which are not part of OpenAI's protocol
 */
public record Usage(
    int promptTokens,
    int completionTokens,
    int totalTokens,
    PromptTokensDetails promptTokensDetails,
    S3 s3) {

  /**
   * Which tokens of the prompt were not computed.
   *
   * @param cachedTokens tokens that an earlier request had computed
   */
  public record PromptTokensDetails(int cachedTokens) {}

  /**
   * Prediction and scheduling of a request.
   *
   * @param predictedP50 median of the predicted answer length, in tokens
   * @param predictedP90 90th percentile of the predicted answer length, in tokens
   * @param reservedTokens KV slots reserved when the request started
   * @param preemptions number of times that the request lost its KV memory
   * @param queuedMs milliseconds from submission to the start
   * @param ttftMs milliseconds from submission to the first token
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record S3(
      @Nullable Integer predictedP50,
      @Nullable Integer predictedP90,
      int reservedTokens,
      int preemptions,
      double queuedMs,
      @Nullable Double ttftMs) {}

  /** Returns the counts of a result. */
  public static Usage of(GenerationResult result) {
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
        new PromptTokensDetails(result.cachedTokens()),
        s3);
  }

  private static double millis(Duration duration) {
    return Math.rint(duration.toNanos() / 1e3) / 1e3;
  }
}
