package dev.s3llm.examples.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.NullNode;

/**
 * An answer, or a piece of one.
 *
 * @param id id of the request
 * @param object the protocol's name of the response type
 * @param created time of the request, in seconds since 1970
 * @param model name of the model
 * @param choices the answers; none in a stream's last piece
 * @param usage token counts ({@link Usage}), in a whole answer or a stream's last piece
 */
public record Completion(
    String id,
    String object,
    long created,
    String model,
    List<Choice> choices,
    @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Object usage) {

  /** Returns the same piece with a null in place of the token counts, which come later. */
  public Completion withoutCounts() {
    return usage == null
        ? new Completion(id, object, created, model, choices, NullNode.getInstance())
        : this;
  }

  /**
   * An answer or a piece of one, in the field that the endpoint uses.
   *
   * @param index number of the answer, from 0
   * @param message the whole message of a chat
   * @param delta the new part of a message of a chat
   * @param text text of a completion
   * @param logprobs log probabilities of its tokens, in the endpoint's form
   * @param finishReason why the answer ended, where it has
   */
  public record Choice(
      int index,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Message message,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Delta delta,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String text,
      @Nullable Object logprobs,
      @Nullable String finishReason) {}

  /**
   * A whole message.
   *
   * @param role role of its author
   * @param content its text
   * @param refusal why the model refuses to answer; always null, and clients expect the field
   */
  public record Message(String role, String content, @Nullable String refusal) {}

  /**
   * The new part of a message.
   *
   * @param role role of its author, in the first part
   * @param content its text
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Delta(@Nullable String role, @Nullable String content) {}
}
