package dev.s3llm.examples.cli.support;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads and writes JSON the same way in every command. */
public final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final ObjectWriter ASCII = MAPPER.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII);
  private static final ObjectWriter PRETTY = MAPPER.writerWithDefaultPrettyPrinter();

  private Json() {}

  /**
   * Creates an object without fields.
   *
   * @return the object
   */
  public static ObjectNode object() {
    return MAPPER.createObjectNode();
  }

  /**
   * Creates an array without elements.
   *
   * @return the array
   */
  public static ArrayNode array() {
    return MAPPER.createArrayNode();
  }

  /**
   * Sets a field to a number, or to null if the number is not finite.
   *
   * @param json the object that gets the field
   * @param name the field's name
   * @param value the number; infinite or NaN if nothing was measured
   */
  public static void putFinite(ObjectNode json, String name, double value) {
    if (Double.isFinite(value)) {
      json.put(name, value);
    } else {
      json.putNull(name);
    }
  }

  /**
   * Adds rounded numbers to an array; a number that is not finite becomes null.
   *
   * @param array the array that gets the numbers
   * @param values the numbers
   * @param digits significant digits to keep, at least 1
   */
  public static void addRounded(ArrayNode array, double[] values, int digits) {
    for (double value : values) {
      if (Double.isFinite(value)) {
        array.add(rounded(value, digits));
      } else {
        array.addNull();
      }
    }
  }

  /**
   * Rounds a number.
   *
   * @param value a finite number
   * @param digits significant digits to keep, at least 1
   * @return the rounded number
   */
  public static double rounded(double value, int digits) {
    return value == 0 ? 0 : BigDecimal.valueOf(value).round(new MathContext(digits)).doubleValue();
  }

  /**
   * Formats a value on one line.
   *
   * @param value a tree, a record or a collection of them
   * @return the JSON
   */
  public static String line(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a value of numbers and texts is always JSON", e);
    }
  }

  /**
   * Formats a value on one line of ASCII, so that also half a surrogate pair can be written.
   *
   * @param value a tree
   * @return the JSON
   */
  public static String asciiLine(JsonNode value) {
    try {
      return ASCII.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree is always JSON", e);
    }
  }

  /**
   * Converts a tree to plain data.
   *
   * @param node the tree
   * @return null, a string, boolean, number, list or map
   */
  public static @Nullable Object plain(JsonNode node) {
    return MAPPER.convertValue(node, Object.class);
  }

  /**
   * Converts an object to plain data.
   *
   * @param node an object
   * @return its fields in order, as {@link #plain} converts them
   */
  public static Map<String, @Nullable Object> plainObject(JsonNode node) {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    node.properties().forEach(field -> map.put(field.getKey(), plain(field.getValue())));
    return map;
  }

  /**
   * Formats a value on several indented lines.
   *
   * @param value a tree, a record or a collection of them
   * @return the JSON, without a line break at its end
   */
  public static String pretty(Object value) {
    try {
      return PRETTY.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a value of numbers and texts is always JSON", e);
    }
  }

  /**
   * Parses one line of a file of JSON lines.
   *
   * @param where the file and line, for the message
   * @param line the line
   * @return the tree
   * @throws UsageException if the line is not valid JSON
   */
  public static JsonNode parse(String where, String line) {
    try {
      return MAPPER.readTree(line);
    } catch (JsonProcessingException e) {
      throw new UsageException(where + " is not valid JSON: " + e.getOriginalMessage());
    }
  }

  /**
   * Writes a file of JSON lines.
   *
   * @param file the file, which is replaced
   * @param values one value for each line
   * @throws IOException if the file cannot be written
   */
  public static void writeLines(Path file, List<?> values) throws IOException {
    List<String> lines = new ArrayList<>();
    for (Object value : values) {
      lines.add(line(value));
    }
    Files.write(file, lines);
  }
}
