package dev.s3llm.examples.server.openai;

import dev.s3llm.text.tool.AnswerFormat;
import dev.s3llm.text.tool.ToolChoice;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the text of an answer must be like.
 *
 * @param field path of the field that has the schema, for errors
 * @param name the client's name of the schema
 * @param schema a JSON schema; empty if any text will do
 */
public record ResponseFormat(String field, String name, Optional<String> schema) {
  private static final String TYPE = "type";
  private static final String SCHEMA = "json_schema";
  private static final String OBJECT = "{\"type\":\"object\"}";
  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9_-]{1,64}");

  /**
   * Reads {@code response_format}, which has a schema in an object of its own.
   *
   * @throws ApiException if it is wrong
   */
  static ResponseFormat read(JsonFields fields) {
    String field = "response_format";
    return read(fields, field, field, true);
  }

  /**
   * Reads {@code text.format}, which has the fields of a schema itself.
   *
   * @throws ApiException if it is wrong
   */
  static ResponseFormat readText(JsonFields fields) {
    JsonFields text = fields.object("text");
    return read(text, "format", text.path("format.schema"), false);
  }

  private static ResponseFormat read(JsonFields fields, String name, String field, boolean nested) {
    if (fields.find(name) == null) {
      return new ResponseFormat(field, "text", Optional.empty());
    }
    JsonFields format = fields.object(name);
    String type = format.required(TYPE);
    return switch (type) {
      case "text" -> new ResponseFormat(field, type, Optional.empty());
      case "json_object" -> new ResponseFormat(field, type, Optional.of(OBJECT));
      case SCHEMA -> schema(field, nested ? inner(format) : format);
      default ->
          throw FieldErrors.value(
              format.path(TYPE), type, "'text', 'json_object' and 'json_schema'");
    };
  }

  private static JsonFields inner(JsonFields format) {
    if (format.find(SCHEMA) == null) {
      throw FieldErrors.missing(format.path(SCHEMA));
    }
    return format.object(SCHEMA);
  }

  /** Reads a schema. It is kept whether the client demands that by {@code strict} or not. */
  private static ResponseFormat schema(String field, JsonFields own) {
    String name = own.required("name");
    if (!NAME.matcher(name).matches()) {
      throw ApiException.badField(
          own.path("name"),
          "Invalid '%s': string does not match pattern. Expected a string that matches the pattern '%s'."
              .formatted(own.path("name"), NAME));
    }
    var unused = own.flag("strict"); // its type is checked
    @Nullable JsonNode schema = own.find("schema");
    if (schema == null) {
      throw FieldErrors.missing(own.path("schema"));
    }
    if (!schema.isObject()) {
      throw FieldErrors.type(own.path("schema"), "an object", schema);
    }
    return new ResponseFormat(field, name, Optional.of(Json.write(schema)));
  }

  /**
   * Checks that a model can answer by a schema or call tools in one conversation: the channels of
   * gpt-oss have no rule that allows both.
   *
   * @param tools the tools of the conversation
   * @param written returns how the model writes calls; not called if the request has no schema or
   *     its answers cannot choose
   * @throws ApiException if it cannot
   */
  void requireKept(Tools tools, Supplier<AnswerFormat> written) {
    boolean chooses = !tools.all().isEmpty() && tools.choice().mode() == ToolChoice.Mode.AUTO;
    if (chooses && schema.isPresent() && written.get() == AnswerFormat.HARMONY) {
      String name = field.startsWith("text.") ? "text.format" : field;
      throw ApiException.unsupported(
          name,
          "Unsupported parameter: '%s' with a JSON format is not supported with this model together with 'tools'. Set 'tool_choice' to 'none' for an answer in JSON, or to 'required' for a call."
              .formatted(name));
    }
  }
}
