package dev.s3llm.model.family;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Checked access to the fields of a JSON object. Remembers which were read: {@link #refuseUnread}
 * then refuses every other field that changes arithmetic.
 */
public final class ConfigFields {
  private final String source;
  private final String prefix;
  private final JsonNode json;
  private final Set<String> read = new HashSet<>();

  private ConfigFields(String source, String prefix, JsonNode json) {
    this.source = source;
    this.prefix = prefix;
    this.json = json;
  }

  /**
   * Creates access to an object.
   *
   * @param source the file, for messages
   * @param json the object
   */
  public static ConfigFields of(String source, JsonNode json) {
    return new ConfigFields(source, "", json);
  }

  /**
   * Returns a field and marks it as read; a missing node if it is missing or null.
   *
   * @param name name of the field
   */
  public JsonNode node(String name) {
    read.add(name);
    JsonNode node = json.path(name);
    return node.isNull() ? MissingNode.getInstance() : node;
  }

  /** Returns whether a field has a value other than null. */
  boolean has(String name) {
    return json.hasNonNull(name);
  }

  /** Returns the access to an object that is a field; one without fields if it is missing. */
  ConfigFields object(String name) {
    JsonNode node = node(name);
    if (!node.isMissingNode() && !node.isObject()) {
      throw bad(name, node.toString(), "an object");
    }
    return new ConfigFields(source, prefix + name + ".", node);
  }

  /** Returns whether the object has no field. */
  boolean isEmpty() {
    return json.isEmpty();
  }

  /** Returns the names of the fields. */
  List<String> names() {
    List<String> names = new ArrayList<>();
    json.fieldNames().forEachRemaining(names::add);
    return names;
  }

  /**
   * Returns a text, or the default if the field is missing.
   *
   * @param name name of the field
   * @param byDefault the default
   * @throws ModelFormatException if the field is no text
   */
  public String text(String name, String byDefault) {
    JsonNode node = node(name);
    if (node.isMissingNode()) {
      return byDefault;
    }
    if (!node.isTextual()) {
      throw bad(name, node.toString(), "a text");
    }
    return node.asText();
  }

  /** Returns a truth value, or the default if the field is missing. */
  boolean flag(String name, boolean byDefault) {
    JsonNode node = node(name);
    if (node.isMissingNode()) {
      return byDefault;
    }
    if (!node.isBoolean()) {
      throw bad(name, node.toString(), "true or false");
    }
    return node.asBoolean();
  }

  /**
   * Refuses a field that is present and has another value.
   *
   * @param name name of the field
   * @param value the only value that is supported
   * @throws ModelFormatException if the field has another value
   */
  public void require(String name, String value) {
    String actual = text(name, value);
    if (!actual.equals(value)) {
      throw bad(name, actual, value);
    }
  }

  /** Refuses a flag that is present and has another value. */
  void require(String name, boolean value) {
    if (flag(name, value) != value) {
      throw bad(name, String.valueOf(!value), String.valueOf(value));
    }
  }

  /**
   * Returns a size of at least 1.
   *
   * @param name name of the field
   * @throws ModelFormatException if the field is missing or no such size
   */
  public int dimension(String name) {
    return dimension(name, 0);
  }

  /**
   * Returns a size of at least 1, or the default if the field is missing.
   *
   * @param name name of the field
   * @param byDefault the default; 0 for none
   * @throws ModelFormatException if the field is no such size, or is missing without a default
   */
  public int dimension(String name, int byDefault) {
    JsonNode node = node(name);
    if (byDefault > 0 && node.isMissingNode()) {
      return byDefault;
    }
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.asInt() < 1
        || node.asInt() > ModelConfig.MAX_DIMENSION) {
      throw bad(name, node.toString(), "an integer from 1 to " + ModelConfig.MAX_DIMENSION);
    }
    return node.asInt();
  }

  /**
   * Returns an integer of at least 0.
   *
   * @param name name of the field
   * @param bound one more than the greatest value
   * @throws ModelFormatException if the field is missing or no such integer
   */
  public int below(String name, int bound) {
    JsonNode node = node(name);
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.asInt() < 0
        || node.asInt() >= bound) {
      throw bad(name, node.toString(), "an integer from 0 to " + (bound - 1));
    }
    return node.asInt();
  }

  /** Returns a number, or the default if the field is missing. */
  double number(String name, double byDefault) {
    JsonNode node = node(name);
    if (node.isMissingNode()) {
      return byDefault;
    }
    if (!node.isNumber() || !Double.isFinite(node.asDouble())) {
      throw bad(name, node.toString(), "a number");
    }
    return node.asDouble();
  }

  /**
   * Returns a number above 0, or the default if the field is missing.
   *
   * @param name name of the field
   * @param byDefault the default; 0 for none
   * @throws ModelFormatException if the field is no such number, or is missing without a default
   */
  public double positive(String name, double byDefault) {
    double value = number(name, byDefault);
    if (!(value > 0)) {
      throw bad(name, json.path(name).toString(), "a positive number");
    }
    return value;
  }

  /** Returns numbers above 0. */
  double[] positives(String name, int count) {
    JsonNode node = node(name);
    double[] values = new double[count];
    boolean right = node.isArray() && node.size() == count;
    for (int i = 0; right && i < count; i++) {
      values[i] = node.get(i).asDouble();
      right = node.get(i).isNumber() && values[i] > 0 && Double.isFinite(values[i]);
    }
    if (!right) {
      throw bad(name, shortened(node), count + " positive numbers");
    }
    return values;
  }

  /**
   * Refuses each field that was not read, changes arithmetic and has a value other than that of a
   * model without it.
   */
  void refuseUnread() {
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      String name = field.getKey();
      if (!read.contains(name) && KnownKeys.changesArithmetic(name, field.getValue())) {
        throw new ModelFormatException(
            "%s: %s%s is %s, which this model family does not know and which may change arithmetic"
                .formatted(source, prefix, name, shortened(field.getValue())));
      }
    }
  }

  /**
   * Refuses each field that was not read and is not known to have no effect, for a kind of model
   * whose fields are all known.
   *
   * @throws ModelFormatException if there is such a field; the message names it
   */
  public void refuseUnknown() {
    for (Map.Entry<String, JsonNode> field : json.properties()) {
      if (!read.contains(field.getKey()) && !KnownKeys.harmless(field.getKey())) {
        throw new ModelFormatException(
            "%s: %s%s is %s, which is not known and may change arithmetic; remove it if it does not"
                .formatted(source, prefix, field.getKey(), shortened(field.getValue())));
      }
    }
  }

  /**
   * Returns the exception that names a field, its value and the expected value.
   *
   * @param name name of the field
   * @param value its value; empty if it is missing
   * @param expected what it must be
   */
  public ModelFormatException bad(String name, String value, String expected) {
    return new ModelFormatException(
        "%s: %s%s is %s, but must be %s"
            .formatted(source, prefix, name, value.isEmpty() ? "missing" : value, expected));
  }

  private static String shortened(JsonNode node) {
    String text = node.toString();
    return text.length() <= 80 ? text : text.substring(0, 77) + "...";
  }
}
