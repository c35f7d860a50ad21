package dev.s3llm.examples.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.s3llm.GenerationResult;
import dev.s3llm.predict.LengthPrediction;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Token counts of a request. A prompt with several answers is counted once.
 *
 * @param promptTokens tokens of the prompts
 * @param completionTokens tokens of the answers
 * @param totalTokens tokens of both
 * @param promptTokensDetails which tokens of the prompts were not computed
 * @param completionTokensDetails which tokens of the answers are no part of their text
 * @param s3 prediction and scheduling, which are not part of OpenAI's protocol; null if nothing was
 *     generated
 */
public record Usage(
    int promptTokens,
    int completionTokens,
    int totalTokens,
    PromptTokensDetails promptTokensDetails,
    CompletionTokensDetails completionTokensDetails,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable S3 s3) {

  /**
   * Which tokens of the prompts were not computed.
   *
   * @param cachedTokens tokens that an earlier request had computed
   */
  public record PromptTokensDetails(int cachedTokens) {}

  /**
   * Which tokens of the answers are no part of their text.
   *
   * @param reasoningTokens tokens of the reasoning
   */
  public record CompletionTokensDetails(int reasoningTokens) {}

  /**
   * Prediction and scheduling of a request. Of several answers: reservations and preemptions are
   * added up, times are the longest, and there is no prediction.
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

  /** Returns the counts of a request's answers. */
  public static Usage of(List<Finished> answers) {
    int prompt = 0;
    int cached = 0;
    int output = 0;
    int reasoning = 0;
    for (Finished answer : answers) {
      if (answer.firstOfPrompt()) {
        prompt = Math.addExact(prompt, answer.promptTokens());
        cached += answer.tokens().map(GenerationResult::cachedTokens).orElse(0);
      }
      output = Math.addExact(output, answer.tokens().map(GenerationResult::outputTokens).orElse(0));
      reasoning += answer.reasoningTokens();
    }
    return new Usage(
        prompt,
        output,
        Math.addExact(prompt, output),
        new PromptTokensDetails(cached),
        new CompletionTokensDetails(reasoning),
        s3(answers.stream().map(Finished::tokens).flatMap(Optional::stream).toList()));
  }

  private static @Nullable S3 s3(List<GenerationResult> results) {
    if (results.isEmpty()) {
      return null;
    }
    @Nullable LengthPrediction prediction =
        results.size() == 1 ? results.get(0).prediction().orElse(null) : null;
    return new S3(
        prediction == null ? null : prediction.quantile(0.5),
        prediction == null ? null : prediction.quantile(0.9),
        results.stream().mapToInt(GenerationResult::reservedTokens).sum(),
        results.stream().mapToInt(GenerationResult::preemptions).sum(),
        results.stream().map(GenerationResult::queued).mapToDouble(Usage::millis).max().orElse(0),
        results.stream()
            .map(result -> result.timeToFirstToken().map(Usage::millis).orElse(null))
            .filter(Objects::nonNull)
            .max(Double::compare)
            .orElse(null));
  }

  private static double millis(Duration duration) {
    return Math.rint(duration.toNanos() / 1e3) / 1e3;
  }
}
