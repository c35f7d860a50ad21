package dev.s3llm.examples.server.openai;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reads and writes the protocol's JSON. */
public final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  private static final TypeReference<Map<String, @Nullable Object>> ARGUMENTS =
      new TypeReference<>() {};

  private Json() {}

  /** Writes a response. */
  public static String write(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  /**
   * Reads a request.
   *
   * @throws ApiException if it is not a JSON object
   */
  public static JsonFields read(byte[] body) {
    JsonNode tree;
    try {
      tree = MAPPER.readTree(body);
    } catch (JacksonException e) {
      throw ApiException.badRequest("the body is not valid JSON" + place(e));
    }
    if (tree instanceof ObjectNode object) {
      return new JsonFields(object);
    }
    throw ApiException.badRequest("the body must be a JSON object");
  }

  /** Returns where the mistake is; the parser's own message may name Java classes. */
  private static String place(JacksonException mistake) {
    TokenStreamLocation place = mistake.getLocation();
    return place == null || place.getLineNr() < 1
        ? ""
        : ": line %d, column %d".formatted(place.getLineNr(), place.getColumnNr());
  }

  /** Returns an object as plain maps, lists and values. */
  static Map<String, @Nullable Object> plain(ObjectNode object) {
    return MAPPER.convertValue(object, ARGUMENTS);
  }

  /**
   * Checks the arguments of a tool's call.
   *
   * @param name name of the field, for errors
   * @param text the JSON of an object
   * @throws ApiException if it is not a JSON object
   */
  static void checkArguments(String name, String text) {
    String place = "";
    try {
      if (MAPPER.readTree(text).isObject()) {
        return;
      }
    } catch (JacksonException e) {
      place = place(e);
    }
    throw ApiException.badField(
        name, "Invalid '%s': it must be the JSON of an object%s.".formatted(name, place));
  }
}
