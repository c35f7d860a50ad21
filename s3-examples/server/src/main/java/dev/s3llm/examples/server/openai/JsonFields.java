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
 * The fields of a request or of a part of it. Each field is checked when it is read; an error names
 * the field with its path. A field with the value {@code null} counts as missing. Fields that are
 * not read are ignored.
 */
public final class JsonFields {
  private final ObjectNode object;
  private final String path;

  JsonFields(ObjectNode object) {
    this(object, "");
  }

  private JsonFields(ObjectNode object, String path) {
    this.object = object;
    this.path = path;
  }

  /**
   * Returns the fields of a value that must be an object.
   *
   * @param name path of the value, for errors
   * @throws ApiException if it is not an object
   */
  static JsonFields of(String name, JsonNode value) {
    if (value instanceof ObjectNode object) {
      return new JsonFields(object, name + ".");
    }
    throw FieldErrors.type(name, "an object", value);
  }

  /** Returns the path of a field, for errors. */
  String path(String name) {
    return path + name;
  }

  /** Returns a field; null if it is missing or null. */
  @Nullable JsonNode find(String name) {
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? null : value;
  }

  /** Returns the object itself. */
  ObjectNode json() {
    return object;
  }

  Optional<String> string(String name) {
    JsonNode value = find(name);
    return value == null ? Optional.empty() : Optional.of(text(path(name), value));
  }

  /** Returns a string that must be there. */
  String required(String name) {
    return string(name).orElseThrow(() -> FieldErrors.missing(path(name)));
  }

  boolean flag(String name) {
    return flag(name, false);
  }

  boolean flag(String name, boolean byDefault) {
    JsonNode value = find(name);
    if (value == null) {
      return byDefault;
    }
    if (!value.isBoolean()) {
      throw FieldErrors.type(path(name), "a boolean", value);
    }
    return value.booleanValue();
  }

  double number(String name, double byDefault, double least, double most) {
    JsonNode value = find(name);
    return value == null ? byDefault : Numbers.decimal(path(name), value, least, most);
  }

  /** Returns a whole number; empty if the field is missing. */
  OptionalInt count(String name, int least, int most) {
    JsonNode value = find(name);
    return value == null
        ? OptionalInt.empty()
        : OptionalInt.of(Math.toIntExact(Numbers.integer(path(name), value, least, most)));
  }

  @Nullable Long integer(String name) {
    JsonNode value = find(name);
    return value == null
        ? null
        : (Long) Numbers.integer(path(name), value, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  /** Returns a string, or an array of strings; empty if the field is missing. */
  List<String> strings(String name) {
    JsonNode value = find(name);
    if (value == null) {
      return List.of();
    }
    if (!value.isArray()) {
      return List.of(text(path(name), value));
    }
    List<String> all = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      all.add(text(path(name) + "[" + i + "]", value.get(i)));
    }
    return all;
  }

  /** Returns the elements of an array of objects; empty if the field is missing. */
  List<JsonFields> objects(String name) {
    JsonNode value = find(name);
    if (value == null) {
      return List.of();
    }
    if (!value.isArray()) {
      throw FieldErrors.type(path(name), "an array of objects", value);
    }
    List<JsonFields> all = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      all.add(of(path(name) + "[" + i + "]", value.get(i)));
    }
    return all;
  }

  /** Returns an object; without fields if the field is missing. */
  JsonFields object(String name) {
    JsonNode value = find(name);
    return value == null
        ? new JsonFields(JsonNodeFactory.instance.objectNode(), path(name) + ".")
        : of(path(name), value);
  }

  /** Refuses a field of an unsupported feature, unless its value is harmless. */
  void refuse(String name, Predicate<JsonNode> harmless) {
    JsonNode value = find(name);
    if (value != null && !harmless.test(value)) {
      throw FieldErrors.unsupported(path(name));
    }
  }

  private static String text(String name, JsonNode value) {
    if (!value.isString()) {
      throw FieldErrors.type(name, "a string", value);
    }
    return value.stringValue();
  }
}
