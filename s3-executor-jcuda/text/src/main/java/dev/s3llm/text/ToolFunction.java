package dev.s3llm.text;

import com.google.common.base.Preconditions;
import dev.s3llm.text.internal.tool.Json;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A function that a model may call. Its {@link #definition} is one of the tools of a conversation:
 *
 * <pre>{@code
 * ToolFunction weather = ToolFunction.parse("weather", "Returns the weather in a city.",
 *     "{\"type\": \"object\", \"properties\": {\"city\": {\"type\": \"string\"}}}");
 * Conversation.builder(question).tools(List.of(weather.definition())).build();
 * }</pre>
 *
 * @param name the name by which the model calls the function
 * @param description what the function does, for the model; may be empty
 * @param parameters a JSON schema of the arguments, as plain data; copied
 * @param strict whether the arguments of each call keep the schema, by a constraint of the tokens
 */
public record ToolFunction(
    String name, String description, Map<String, @Nullable Object> parameters, boolean strict) {

  /**
   * Creates a function.
   *
   * @throws NullPointerException if a component is null
   * @throws IllegalArgumentException if the name is blank, or the schema is not plain data or nests
   *     more than 100 values
   */
  public ToolFunction {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(description, "description");
    Preconditions.checkArgument(!name.isBlank(), "a function must have a name");
    parameters = PlainData.copy("parameters", parameters);
  }

  /**
   * Creates a function that is not strict, of a schema in JSON.
   *
   * @param name the name by which the model calls the function
   * @param description what the function does, for the model; may be empty
   * @param parameters a JSON schema of the arguments; blank for a function without arguments
   * @throws NullPointerException if an argument is null
   * @throws IllegalArgumentException if the name is blank, or the schema is no JSON object
   */
  public static ToolFunction parse(String name, String description, String parameters) {
    return new ToolFunction(
        name,
        description,
        parameters.isBlank()
            ? Map.of("type", "object", "properties", Map.of())
            : Json.object(parameters),
        false);
  }

  /**
   * Returns this function with another value of {@code strict}.
   *
   * @param strict whether the arguments of each call keep the schema
   */
  public ToolFunction withStrict(boolean strict) {
    return new ToolFunction(name, description, parameters, strict);
  }

  /** Returns this function in the form of the OpenAI protocol, which templates read. */
  public Map<String, @Nullable Object> definition() {
    Map<String, @Nullable Object> function = new LinkedHashMap<>();
    function.put("name", name);
    if (!description.isEmpty()) {
      function.put("description", description);
    }
    function.put("parameters", parameters);
    if (strict) {
      function.put("strict", true);
    }
    return PlainData.ordered("type", "function", "function", function);
  }
}
