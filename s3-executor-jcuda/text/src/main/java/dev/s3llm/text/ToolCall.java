package dev.s3llm.text;

import dev.s3llm.text.internal.tool.Json;
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

  /**
   * Creates a call of arguments in JSON.
   *
   * @param id identifies the call in its conversation
   * @param name the name of the tool
   * @param arguments a JSON object
   * @throws NullPointerException if an argument is null
   * @throws IllegalArgumentException if the arguments are no JSON object
   */
  public static ToolCall parse(String id, String name, String arguments) {
    return new ToolCall(id, name, Json.object(arguments));
  }

  /** Returns the arguments as a JSON object, without blanks, in their order. */
  public String argumentsJson() {
    return Json.write(arguments);
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
