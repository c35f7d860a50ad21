package dev.s3llm.examples.server.openai;

import java.math.BigInteger;
import tools.jackson.databind.JsonNode;

/** Reads numbers, whose text may have any length. */
final class Numbers {
  private Numbers() {}

  /**
   * Returns a whole number.
   *
   * @throws ApiException if the value is none, or out of range
   */
  static long integer(String param, JsonNode value, long least, long most) {
    if (!value.isIntegralNumber()) {
      throw FieldErrors.type(param, "an integer", value);
    }
    BigInteger number = value.bigIntegerValue();
    boolean below = number.compareTo(BigInteger.valueOf(least)) < 0;
    if (below || number.compareTo(BigInteger.valueOf(most)) > 0) {
      throw FieldErrors.range(
          param, "integer", below, String.valueOf(below ? least : most), number.toString());
    }
    return number.longValue();
  }

  /**
   * Returns a number.
   *
   * @throws ApiException if the value is none, or out of range
   */
  static double decimal(String param, JsonNode value, double least, double most) {
    if (!value.isNumber()) {
      throw FieldErrors.type(param, "a decimal", value);
    }
    double number = value.doubleValueOpt().orElse(outOfDoubles(value));
    if (!(number >= least && number <= most)) {
      boolean below = number < least;
      throw FieldErrors.range(
          param, "decimal", below, text(below ? least : most), value.asString());
    }
    return number;
  }

  private static double outOfDoubles(JsonNode value) {
    return value.asString().startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
  }

  private static String text(double number) {
    return number == Math.rint(number) ? String.valueOf((long) number) : String.valueOf(number);
  }
}
