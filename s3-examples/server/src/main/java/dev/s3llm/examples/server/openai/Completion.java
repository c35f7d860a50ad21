package dev.s3llm.examples.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer, or a piece of one.
 *
 * @param id of the request
 * @param object what this is
 * @param created when the request came, in seconds of the epoch
 * @param model who answers
 * @param choices one, or none in a stream's last piece
 * @param usage tokens, in a whole answer or a stream's last piece
 */
record Completion(
    String id,
    String object,
    long created,
    String model,
    List<Choice> choices,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Usage usage) {

  /** The one choice; which of the texts it has depends on the endpoint. */
  record Choice(
      int index,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Message message,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Message delta,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String text,
      @Nullable Object logprobs,
      @Nullable String finishReason) {}

  /** A message or what is new of one. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Message(@Nullable String role, @Nullable String content) {}
}
