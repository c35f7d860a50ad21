package dev.s3llm.text.internal.tool;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reads and writes JSON. */
public final class Json {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_UNESCAPED_CONTROL_CHARS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private static final TypeReference<Map<String, @Nullable Object>> OBJECT =
      new TypeReference<>() {};

  private Json() {}

  /**
   * Returns a value as JSON without blanks.
   *
   * @param value null, a string, boolean, number, list, or map with keys of text
   */
  public static String write(@Nullable Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("the value cannot be written as JSON", e);
    }
  }

  /**
   * Reads an object.
   *
   * @param json the text
   * @throws IllegalArgumentException if the text is no JSON object
   */
  public static Map<String, @Nullable Object> object(String json) {
    try {
      Map<String, @Nullable Object> object = MAPPER.readValue(json, OBJECT);
      if (object == null) {
        throw new IllegalArgumentException("the text is no JSON object, but null");
      }
      return object;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "the text is no JSON object: " + e.getOriginalMessage(), e);
    }
  }

  /** Reads any value; empty if the text is no JSON. */
  static Optional<JsonNode> node(String json) {
    try {
      JsonNode node = MAPPER.readTree(json);
      return node == null || node.isMissingNode() ? Optional.empty() : Optional.of(node);
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** Returns the text of a string's source, as it stands between the quotes. */
  static String unescape(String source) {
    return source.indexOf('\\') < 0
        ? source
        : node("\"" + source + "\"").map(JsonNode::asText).orElse(source);
  }
}
