package dev.s3llm.text;

import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A call of a tool that a model has made.
 *
 * @param id identifies the call in its conversation
 * @param name the name of the tool
 * @param arguments the arguments by name: null, strings, booleans, numbers, lists, and maps with
 *     keys of text; copied
 */
public record ToolCall(String id, String name, Map<String, @Nullable Object> arguments) {

  /**
   * Creates a call.
   *
   * @throws NullPointerException if a component is null
   * @throws IllegalArgumentException if an argument is of another type or nests more than 100
   *     values
   */
  public ToolCall {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(name, "name");
    arguments = PlainData.copy("arguments", arguments);
  }

  /** Returns what a template sees of this call, in the form of the OpenAI protocol. */
  Map<String, @Nullable Object> fields() {
    return PlainData.ordered(
        "id",
        id,
        "type",
        "function",
        "function",
        PlainData.ordered("name", name, "arguments", arguments));
  }
}
