package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;

/** Checked access to the fields of a JSON file. */
record ConfigFields(Path file, JsonNode json) {

  /** Returns a text, or the default if the field is missing. */
  String text(String name, String byDefault) {
    return json.path(name).asText(byDefault);
  }

  /** Refuses a field that is present and has another value. */
  void require(String name, String value) {
    String actual = text(name, value);
    if (!actual.equals(value)) {
      throw bad(name, actual, value);
    }
  }

  /** Returns a size of at least 1. */
  int dimension(String name) {
    return dimension(name, 0);
  }

  /** Returns a size of at least 1, or the default if the field is missing; 0 is no default. */
  int dimension(String name, int byDefault) {
    JsonNode node = json.path(name);
    if (byDefault > 0 && (node.isMissingNode() || node.isNull())) {
      return byDefault;
    }
    if (!node.isInt() || node.asInt() < 1 || node.asInt() > ModelConfig.MAX_DIMENSION) {
      throw bad(name, node.toString(), "an integer from 1 to " + ModelConfig.MAX_DIMENSION);
    }
    return node.asInt();
  }

  /** Returns a number, or the default if the field is missing. */
  double number(String name, double byDefault) {
    JsonNode node = json.path(name);
    if (node.isMissingNode() || node.isNull()) {
      return byDefault;
    }
    if (!node.isNumber()) {
      throw bad(name, node.toString(), "a number");
    }
    return node.asDouble();
  }

  /** Returns the exception that names a field, its value and the expected value. */
  ModelFormatException bad(String name, String value, String expected) {
    return new ModelFormatException(
        "%s: %s is %s, but must be %s"
            .formatted(file, name, value.isEmpty() ? "missing" : value, expected));
  }
}
