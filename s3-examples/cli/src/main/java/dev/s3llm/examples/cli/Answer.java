package dev.s3llm.examples.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import dev.s3llm.GenerationResult;
import dev.s3llm.predict.LengthPrediction;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** One answer, as {@code generate --json} writes it. */
@JsonPropertyOrder({
  "id",
  "prompt",
  "text",
  "prompt_tokens",
  "output_tokens",
  "predicted_p50",
  "predicted_p90",
  "reserved_tokens",
  "finish_reason",
  "preemptions",
  "queued_s",
  "ttft_s",
  "total_s",
  "explanation"
})
record Answer(
    @JsonProperty("id") String id,
    @JsonProperty("prompt") String prompt,
    @JsonProperty("text") String text,
    @JsonProperty("prompt_tokens") int promptTokens,
    @JsonProperty("output_tokens") int outputTokens,
    @JsonProperty("predicted_p50") @Nullable Integer predictedP50,
    @JsonProperty("predicted_p90") @Nullable Integer predictedP90,
    @JsonProperty("reserved_tokens") int reservedTokens,
    @JsonProperty("finish_reason") String finishReason,
    @JsonProperty("preemptions") int preemptions,
    @JsonProperty("queued_s") double queuedSeconds,
    @JsonProperty("ttft_s") @Nullable Double ttftSeconds,
    @JsonProperty("total_s") double totalSeconds,
    @JsonProperty("explanation") String explanation) {

  static Answer of(String prompt, String text, GenerationResult result) {
    LengthPrediction prediction = result.prediction().orElse(null);
    return new Answer(
        result.id(),
        prompt,
        text,
        result.promptTokens(),
        result.outputTokens(),
        prediction == null ? null : prediction.quantile(0.5),
        prediction == null ? null : prediction.quantile(0.9),
        result.reservedTokens(),
        result.finishReason().name().toLowerCase(Locale.ROOT),
        result.preemptions(),
        seconds(result.queued()),
        result.timeToFirstToken().map(Answer::seconds).orElse(null),
        seconds(result.total()),
        result.explanation().summary());
  }

  static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }
}
