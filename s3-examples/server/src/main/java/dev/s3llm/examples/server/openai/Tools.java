package dev.s3llm.examples.server.openai;

import dev.s3llm.text.TextRequest;
import dev.s3llm.text.tool.ToolChoice;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * The tools of a request, and which of them its answers may or must call.
 *
 * @param all functions in the form of chat completions
 * @param choice which of them an answer may or must call
 * @param parallel whether an answer may have more than one call
 */
public record Tools(List<Map<String, @Nullable Object>> all, ToolChoice choice, boolean parallel) {
  private static final String TOOLS = "tools";
  private static final String CHOICE = "tool_choice";
  private static final String FUNCTION = "function";
  private static final int MOST_TOOLS = 128;
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_.-]{1,128}");

  /** Where an endpoint has the fields of a function. */
  enum Place {
    /** In an object of the tool, as chat completions have them. */
    NESTED,
    /** In the tool itself, as responses have them. */
    FLAT;

    JsonFields function(JsonFields tool) {
      return this == NESTED ? tool.object(FUNCTION) : tool;
    }
  }

  /**
   * Reads {@code tools}, {@code tool_choice} and {@code parallel_tool_calls}.
   *
   * @throws ApiException if a field is wrong or not supported
   */
  static Tools read(JsonFields fields, Place place) {
    List<Map<String, @Nullable Object>> all = new ArrayList<>();
    Set<String> names = new HashSet<>();
    List<JsonFields> tools = fields.objects(TOOLS);
    if (tools.size() > MOST_TOOLS) {
      throw ApiException.badField(
          TOOLS,
          "Invalid 'tools': array too long. Expected an array with maximum length %d, but got an array with length %d instead."
              .formatted(MOST_TOOLS, tools.size()));
    }
    for (JsonFields tool : tools) {
      requireFunction(tool);
      all.add(tool(place.function(tool), names));
    }
    return new Tools(all, choice(fields, place, names), fields.flag("parallel_tool_calls", true));
  }

  private static void requireFunction(JsonFields tool) {
    String type = tool.required("type");
    if (!type.equals(FUNCTION)) {
      throw FieldErrors.value(tool.path("type"), type, "'function'");
    }
  }

  private static Map<String, @Nullable Object> tool(JsonFields function, Set<String> names) {
    String name = function.required("name");
    if (!NAME.matcher(name).matches()) {
      throw ApiException.badField(
          function.path("name"),
          "Invalid '%s': string does not match pattern. Expected a string that matches the pattern '%s'."
              .formatted(function.path("name"), NAME));
    }
    if (!names.add(name)) {
      throw ApiException.badField(
          function.path("name"),
          "Invalid '%s': '%s' is there twice.".formatted(function.path("name"), name));
    }
    Map<String, @Nullable Object> own = ResponseStream.map("name", name);
    function.string("description").ifPresent(text -> own.put("description", text));
    JsonFields parameters = function.object("parameters");
    own.put("parameters", Json.plain(parameters.json()));
    if (function.flag("strict")) {
      own.put("strict", true);
    }
    return ResponseStream.map("type", FUNCTION, FUNCTION, own);
  }

  private static ToolChoice choice(JsonFields fields, Place place, Set<String> names) {
    @Nullable JsonNode value = fields.find(CHOICE);
    if (value == null) {
      return ToolChoice.auto();
    }
    ToolChoice choice = value.isString() ? mode(value.stringValue()) : named(fields, place, names);
    if (choice.isForced() && names.isEmpty()) {
      throw ApiException.badField(
          CHOICE,
          "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are"
              + " specified.");
    }
    return choice;
  }

  private static ToolChoice mode(String mode) {
    return switch (mode) {
      case "none" -> ToolChoice.none();
      case "auto" -> ToolChoice.auto();
      case "required" -> ToolChoice.required();
      default -> throw FieldErrors.value(CHOICE, mode, "'none', 'auto' and 'required'");
    };
  }

  private static ToolChoice named(JsonFields fields, Place place, Set<String> names) {
    JsonFields choice = fields.object(CHOICE);
    if (names.isEmpty()) {
      return ToolChoice.required(); // refused in any case
    }
    requireFunction(choice);
    String name = place.function(choice).required("name");
    if (!names.contains(name)) {
      throw ApiException.badField(
          CHOICE,
          "Invalid value for 'tool_choice': the function '%s' is none of the tools."
              .formatted(name));
    }
    return ToolChoice.function(name);
  }

  /** Sets the choice in a request whose conversation has the tools. */
  void applyTo(TextRequest.Builder request) {
    request.toolChoice(choice).parallelToolCalls(parallel);
  }
}
