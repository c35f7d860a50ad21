package dev.s3llm.examples.server.openai;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reads and writes the protocol's JSON. */
public final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

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
      throw ApiException.badRequest("the body is no JSON: " + e.getOriginalMessage());
    }
    if (tree instanceof ObjectNode object) {
      return new JsonFields(object);
    }
    throw ApiException.badRequest("the body must be a JSON object");
  }
}
