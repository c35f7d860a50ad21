package dev.s3llm.examples.server.openai;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonInclude.Include;
import dev.s3llm.text.ToolCall;
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
    @JsonInclude(Include.NON_NULL) @Nullable Object usage) {

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
      @JsonInclude(Include.NON_NULL) @Nullable Message message,
      @JsonInclude(Include.NON_NULL) @Nullable Delta delta,
      @JsonInclude(Include.NON_NULL) @Nullable String text,
      @Nullable Object logprobs,
      @Nullable String finishReason) {}

  /**
   * A whole message.
   *
   * @param role role of its author
   * @param content its text; null if it has calls of tools and no text
   * @param reasoningContent what the model thought before it answered; null if nothing
   * @param toolCalls calls of tools; null if there is none
   * @param refusal why the model refuses to answer; always null, and clients expect the field
   */
  public record Message(
      String role,
      @Nullable String content,
      @JsonInclude(Include.NON_NULL) @Nullable String reasoningContent,
      @JsonInclude(Include.NON_NULL) @Nullable List<Call> toolCalls,
      @Nullable String refusal) {}

  /**
   * The new part of a message.
   *
   * @param role role of its author, in the first part
   * @param content its text
   * @param reasoningContent what the model thinks
   * @param toolCalls a call of a tool, or a piece of its arguments
   */
  @JsonInclude(Include.NON_NULL)
  public record Delta(
      @Nullable String role,
      @Nullable String content,
      @Nullable String reasoningContent,
      @Nullable List<Call> toolCalls) {

    static Delta content(String text) {
      return new Delta(null, text, null, null);
    }
  }

  /**
   * A call of a tool, or a piece of one.
   *
   * @param index number of the call, in a stream
   * @param id id of the call, in its first piece
   * @param type always {@code function}, in its first piece
   * @param function name and arguments
   */
  @JsonInclude(Include.NON_NULL)
  public record Call(
      @Nullable Integer index, @Nullable String id, @Nullable String type, Function function) {

    static Call whole(ToolCall call) {
      return new Call(null, call.id(), FUNCTION, new Function(call.name(), call.argumentsJson()));
    }

    static Call start(int index, String id, String name) {
      return new Call(index, id, FUNCTION, new Function(name, ""));
    }

    static Call piece(int index, String arguments) {
      return new Call(index, null, null, new Function(null, arguments));
    }
  }

  private static final String FUNCTION = "function";

  /**
   * Name and arguments of a call.
   *
   * @param name name of the function, in the first piece
   * @param arguments JSON of an object, or a piece of it
   */
  @JsonInclude(Include.NON_NULL)
  public record Function(@Nullable String name, String arguments) {}
}
