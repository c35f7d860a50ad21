package dev.s3llm.examples.plain;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.text.ChatMessage;
import dev.s3llm.text.TextRequest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request, as JSON or as the prompt alone.
 *
 * @param prompt the user's message
 * @param maxTokens output limit in tokens, at least 1; null for as many as fit
 * @param minTokens output tokens before which neither the model nor a stop string ends the answer,
 *     0 or more; null for 0
 * @param ignoreEos whether the answer goes on after the model's end tokens; null for false
 * @param stop strings that end the answer; null for none
 * @param firstTokenWithinMillis refuses the request if its first token is expected later; null for
 *     no limit
 * @param deadlineMillis ends the request after this time; null for no deadline
 */
record Prompt(
    @JsonProperty(value = "prompt", required = true) String prompt,
    @JsonProperty("max_tokens") @Nullable Integer maxTokens,
    @JsonProperty("min_tokens") @Nullable Integer minTokens,
    @JsonProperty("ignore_eos") @Nullable Boolean ignoreEos,
    @JsonProperty("stop") @Nullable List<String> stop,
    @JsonProperty("first_token_within_ms") @Nullable Long firstTokenWithinMillis,
    @JsonProperty("deadline_ms") @Nullable Long deadlineMillis) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Refuses null, which Jackson accepts. */
  Prompt {
    if (prompt == null || (stop != null && stop.stream().anyMatch(Objects::isNull))) {
      throw new IllegalArgumentException("prompt and stop strings must not be null");
    }
  }

  /**
   * Reads the request in a body.
   *
   * @param body the bytes of the body
   * @param json whether the body is JSON; else it is the prompt in UTF-8
   * @return the request for the generator
   * @throws IllegalArgumentException if the body is not valid; the message is for the client
   */
  static TextRequest read(byte[] body, boolean json) {
    if (!json) {
      return TextRequest.builder()
          .messages(ChatMessage.user(new String(body, StandardCharsets.UTF_8)))
          .build();
    }
    try {
      @Nullable Prompt prompt = JSON.readValue(body, Prompt.class);
      if (prompt == null) {
        throw new IllegalArgumentException("the JSON is null");
      }
      return prompt.request();
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("the JSON is wrong: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new IllegalArgumentException("the JSON is wrong", e);
    }
  }

  private TextRequest request() {
    TextRequest.Builder builder = TextRequest.builder().messages(ChatMessage.user(prompt));
    if (maxTokens != null) {
      builder.maxNewTokens(maxTokens);
    }
    if (stop != null) {
      builder.stop(stop);
    }
    if (minTokens != null) {
      builder.configure(request -> request.minTokens(minTokens));
    }
    if (Boolean.TRUE.equals(ignoreEos)) {
      builder.configure(request -> request.stopTokens());
    }
    if (firstTokenWithinMillis != null) {
      Duration limit = Duration.ofMillis(firstTokenWithinMillis);
      builder.configure(request -> request.firstTokenWithin(limit));
    }
    if (deadlineMillis != null) {
      Duration deadline = Duration.ofMillis(deadlineMillis);
      builder.configure(request -> request.deadline(deadline));
    }
    return builder.build();
  }
}
