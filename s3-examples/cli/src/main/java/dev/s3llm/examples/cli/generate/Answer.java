package dev.s3llm.examples.cli.generate;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import dev.s3llm.GenerationResult;
import dev.s3llm.examples.cli.options.Prompt;
import dev.s3llm.predict.LengthPrediction;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One answer, as {@code generate --json} writes it: the fields of {@code prompt}, {@code lengths}
 * and {@code times} stand beside the others.
 *
 * @param prompt the prompt with its id
 * @param text the answer
 * @param lengths tokens of the prompt and the answer, predicted and reserved tokens
 * @param tokens ids of the answer's tokens, with the one that ended it
 * @param finishReason why it ended, in lower case
 * @param preemptions how often it was preempted
 * @param times how long it took
 * @param explanation one sentence about its waiting and its preemptions
 */
record Answer(
    @JsonUnwrapped Prompt prompt,
    @JsonProperty("text") String text,
    @JsonUnwrapped Lengths lengths,
    @JsonProperty("tokens") List<Integer> tokens,
    @JsonProperty("finish_reason") String finishReason,
    @JsonProperty("preemptions") int preemptions,
    @JsonUnwrapped Times times,
    @JsonProperty("explanation") String explanation) {

  /**
   * Lengths in tokens.
   *
   * @param predictedP50 the predicted median; null if no prediction was made
   * @param predictedP90 the predicted 90th percentile; null if no prediction was made
   * @param reserved KV slots that were reserved when it first started; 0 if it never did
   */
  record Lengths(
      @JsonProperty("prompt_tokens") int prompt,
      @JsonProperty("output_tokens") int output,
      @JsonProperty("predicted_p50") @Nullable Integer predictedP50,
      @JsonProperty("predicted_p90") @Nullable Integer predictedP90,
      @JsonProperty("reserved_tokens") int reserved) {

    private static Lengths of(GenerationResult result) {
      LengthPrediction prediction = result.prediction().orElse(null);
      return new Lengths(
          result.promptTokens(),
          result.outputTokens(),
          prediction == null ? null : prediction.quantile(0.5),
          prediction == null ? null : prediction.quantile(0.9),
          result.reservedTokens());
    }
  }

  /**
   * Times in seconds.
   *
   * @param queued from submission to the first admission, or to the end without one
   * @param firstToken from submission to the first token; null without a token
   * @param total from submission to the end
   */
  record Times(
      @JsonProperty("queued_s") double queued,
      @JsonProperty("ttft_s") @Nullable Double firstToken,
      @JsonProperty("total_s") double total) {

    private static Times of(GenerationResult result) {
      return new Times(
          seconds(result.queued()),
          result.timeToFirstToken().map(Times::seconds).orElse(null),
          seconds(result.total()));
    }

    private static double seconds(Duration duration) {
      return duration.toNanos() / 1e9;
    }
  }

  static Answer of(Prompt prompt, String text, GenerationResult result) {
    return new Answer(
        new Prompt(result.id(), prompt.text()),
        text,
        Lengths.of(result),
        Arrays.stream(result.tokens()).boxed().toList(),
        result.finishReason().name().toLowerCase(Locale.ROOT),
        result.preemptions(),
        Times.of(result),
        result.explanation().summary());
  }

  /** Returns the id of the request. */
  String id() {
    return prompt.id();
  }

  /** Returns the answer's tokens. */
  int outputTokens() {
    return lengths.output();
  }
}
