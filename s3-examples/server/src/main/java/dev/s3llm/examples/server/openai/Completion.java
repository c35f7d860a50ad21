package dev.s3llm.examples.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer, or a piece of one.
 *
 * @param id id of the request
 * @param object the protocol's name of the response type
 * @param created time of the request, in seconds since 1970
 * @param model name of the model
 * @param choices one choice; none in a stream's last piece
 * @param usage token counts, in a whole answer or a stream's last piece
 */
public record Completion(
    String id,
    String object,
    long created,
    String model,
    List<Choice> choices,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Usage usage) {

  /** The answer's text, in the field that the endpoint uses. */
  public record Choice(
      int index,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Message message,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Message delta,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String text,
      @Nullable Object logprobs,
      @Nullable String finishReason) {}

  /** A message, or the new part of one. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Message(@Nullable String role, @Nullable String content) {}
}
