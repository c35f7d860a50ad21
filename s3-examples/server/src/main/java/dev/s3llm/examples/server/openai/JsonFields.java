package dev.s3llm.examples.server.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The fields of a request. Each field is checked when it is read; an error names the field. A field
 * with the value {@code null} counts as missing. Fields that are not read are ignored.
 */
public final class JsonFields {
  private final ObjectNode object;

  JsonFields(ObjectNode object) {
    this.object = object;
  }

  /** Returns a field; null if it is missing or null. */
  @Nullable JsonNode find(String name) {
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }

  Optional<String> string(String name) {
    JsonNode value = find(name);
    if (value == null) {
      return Optional.empty();
    }
    return Optional.of(text(name, value));
  }

  boolean flag(String name) {
    JsonNode value = find(name);
    if (value != null && !value.isBoolean()) {
      throw ApiException.badField(name, name + " must be true or false");
    }
    return value != null && value.booleanValue();
  }

  double number(String name, double byDefault, double least, double most) {
    JsonNode value = find(name);
    if (value == null) {
      return byDefault;
    }
    double number = value.isNumber() ? value.doubleValueOpt().orElse(Double.NaN) : Double.NaN;
    if (!(number >= least && number <= most)) {
      throw ApiException.badField(
          name, "%s must be a number from %s to %s".formatted(name, least, most));
    }
    return number;
  }

  OptionalInt count(String name) {
    JsonNode value = find(name);
    if (value == null) {
      return OptionalInt.empty();
    }
    if (!value.isIntegralNumber() || !value.canConvertToInt() || value.intValue() < 1) {
      throw ApiException.badField(name, name + " must be a whole number of at least 1");
    }
    return OptionalInt.of(value.intValue());
  }

  @Nullable Long integer(String name) {
    JsonNode value = find(name);
    if (value == null) {
      return null;
    }
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw ApiException.badField(name, name + " must be a whole number of 64 bits");
    }
    return value.longValue();
  }

  /** Returns a string, or an array of strings; empty if the field is missing. */
  List<String> strings(String name) {
    JsonNode value = find(name);
    if (value == null) {
      return List.of();
    }
    if (!value.isArray()) {
      return List.of(text(name, value));
    }
    List<String> all = new ArrayList<>();
    for (JsonNode element : value) {
      all.add(text(name, element));
    }
    return all;
  }

  JsonFields object(String name) {
    JsonNode value = find(name);
    if (value == null) {
      return new JsonFields(JsonNodeFactory.instance.objectNode());
    }
    if (value instanceof ObjectNode inner) {
      return new JsonFields(inner);
    }
    throw ApiException.badField(name, name + " must be an object");
  }

  /** Refuses a field of an unsupported feature, unless its value is harmless. */
  void refuse(String name, Predicate<JsonNode> harmless) {
    JsonNode value = find(name);
    if (value != null && !harmless.test(value)) {
      throw ApiException.unsupported(name, name + " is not supported by this server");
    }
  }

  /** Returns whether a value of any type is exactly this whole number. */
  static boolean isInt(JsonNode value, int expected) {
    return value.isIntegralNumber() && value.canConvertToInt() && value.intValue() == expected;
  }

  private static String text(String name, JsonNode value) {
    if (!value.isString()) {
      throw ApiException.badField(name, name + " must be a string");
    }
    return value.stringValue();
  }
}
