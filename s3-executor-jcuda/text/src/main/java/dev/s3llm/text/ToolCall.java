package dev.s3llm.text;

import dev.s3llm.text.internal.tool.Json;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A call of a tool that a model has made. Two calls are equal if their ids, names and arguments are
 * equal; how the arguments are written in JSON does not matter. Immutable.
 */
public final class ToolCall {
  private final String id;
  private final String name;
  private final Map<String, @Nullable Object> arguments;
  private final String json;

  /**
   * Creates a call.
   *
   * @param id identifies the call in its conversation
   * @param name the name of the tool
   * @param arguments the arguments by name: null, strings, booleans, numbers, lists, and maps with
   *     keys of text; copied
   * @throws NullPointerException if a parameter is null
   * @throws IllegalArgumentException if an argument is of another type or nests more than 100
   *     values
   */
  public ToolCall(String id, String name, Map<String, ? extends @Nullable Object> arguments) {
    this.id = Objects.requireNonNull(id, "id");
    this.name = Objects.requireNonNull(name, "name");
    this.arguments = PlainData.copy("arguments", arguments);
    this.json = Json.write(this.arguments);
  }

  private ToolCall(String id, String name, String json) {
    this.id = Objects.requireNonNull(id, "id");
    this.name = Objects.requireNonNull(name, "name");
    this.arguments = PlainData.copy("arguments", Json.object(Objects.requireNonNull(json, "json")));
    this.json = json;
  }

  /**
   * Creates a call of arguments in JSON, whose text is kept.
   *
   * @param id identifies the call in its conversation
   * @param name the name of the tool
   * @param arguments a JSON object
   * @throws NullPointerException if a parameter is null
   * @throws IllegalArgumentException if the arguments are no JSON object, or nest more than 100
   *     values
   */
  public static ToolCall parse(String id, String name, String arguments) {
    return new ToolCall(id, name, arguments);
  }

  /** Returns what identifies the call in its conversation. */
  public String id() {
    return id;
  }

  /** Returns the name of the tool. */
  public String name() {
    return name;
  }

  /** Returns the arguments by name, in their order; immutable. */
  public Map<String, @Nullable Object> arguments() {
    return arguments;
  }

  /**
   * Returns the arguments as a JSON object. For a call that a model has made it is the model's own
   * text, the same as all pieces of a stream together; for arguments that were given as a map it
   * has no blanks.
   */
  public String argumentsJson() {
    return json;
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

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ToolCall call
        && id.equals(call.id)
        && name.equals(call.name)
        && arguments.equals(call.arguments);
  }

  @Override
  public int hashCode() {
    return Objects.hash(id, name, arguments);
  }

  @Override
  public String toString() {
    return "ToolCall[id=" + id + ", name=" + name + ", arguments=" + json + "]";
  }
}
