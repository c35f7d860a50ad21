package dev.s3llm.examples.server.openai;

import tools.jackson.databind.JsonNode;

/** Errors of wrong fields, in the words of OpenAI's API. */
final class FieldErrors {
  private static final int MOST_SHOWN = 40;

  private FieldErrors() {}

  /** Returns the error of a required field that is not there. */
  static ApiException missing(String param) {
    return ApiException.badField(
        param, "missing_required_parameter", "Missing required parameter: '%s'.".formatted(param));
  }

  /**
   * Returns the error of a value of a wrong type.
   *
   * @param expected the right type, such as {@code a string}
   */
  static ApiException type(String param, String expected, JsonNode value) {
    return ApiException.badField(
        param,
        "invalid_type",
        "Invalid type for '%s': expected %s, but got %s instead."
            .formatted(param, expected, typeOf(value)));
  }

  /**
   * Returns the error of a number out of range.
   *
   * @param kind {@code integer} or {@code decimal}
   * @param below whether the number is below the bound, not above
   * @param bound the bound, as text
   */
  static ApiException range(String param, String kind, boolean below, String bound, String value) {
    String side = below ? "below" : "above";
    String extreme = below ? "minimum" : "maximum";
    return ApiException.badField(
        param,
        "%s_%s_%s_value".formatted(kind, side, below ? "min" : "max"),
        "Invalid '%s': %s %s %s value. Expected a value %s %s, but got %s instead."
            .formatted(param, kind, side, extreme, below ? ">=" : "<=", bound, shown(value)));
  }

  /** Returns the error of a value that is none of the supported ones. */
  static ApiException value(String param, String value, String supported) {
    return ApiException.badField(
        param,
        "invalid_value",
        "Invalid value: '%s'. Supported values are: %s.".formatted(shown(value), supported));
  }

  /** Returns the error of a field of a feature that this server has not. */
  static ApiException unsupported(String param) {
    return ApiException.unsupported(
        param, "Unsupported parameter: '%s' is not supported by this server.".formatted(param));
  }

  private static String shown(String value) {
    return value.length() <= MOST_SHOWN ? value : value.substring(0, MOST_SHOWN) + "...";
  }

  private static String typeOf(JsonNode value) {
    return switch (value.getNodeType()) {
      case STRING -> "a string";
      case NUMBER -> value.isIntegralNumber() ? "an integer" : "a decimal number";
      case BOOLEAN -> "a boolean";
      case ARRAY -> value.isEmpty() ? "an empty array" : "an array";
      case OBJECT -> "an object";
      default -> "null";
    };
  }
}
