package dev.s3llm.text.internal.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads numbers out of texts as Python's {@code int()} and {@code float()} do. */
final class NumberParser {
  private NumberParser() {}

  /** Returns the integer of a text, or null if it is none in this base. */
  static @Nullable Int integer(String text, int base) {
    String digits = TextMethods.strip(text);
    boolean negative = digits.startsWith("-");
    digits = negative || digits.startsWith("+") ? digits.substring(1) : digits;
    digits = withoutPrefix(digits, base);
    if (base < 2 || base > 36 || !isDigits(digits, base)) {
      return null;
    }
    if (digits.length() > Int.MAX_BITS) {
      throw JinjaException.limit("the template reads an integer with too many digits");
    }
    BigInteger value = new BigInteger(digits.replace("_", ""), base);
    return new Int(negative ? value.negate() : value);
  }

  private static String withoutPrefix(String digits, int base) {
    String prefix = base == 16 ? "0x" : base == 8 ? "0o" : base == 2 ? "0b" : "";
    return digits.regionMatches(true, 0, prefix, 0, prefix.length())
        ? digits.substring(prefix.length())
        : digits;
  }

  /** Returns whether all characters are digits, with single underscores between them. */
  private static boolean isDigits(String text, int base) {
    boolean afterDigit = false;
    for (int i = 0; i < text.length(); i++) {
      boolean digit = Character.digit(text.charAt(i), base) >= 0;
      if (!digit && !(afterDigit && text.charAt(i) == '_')) {
        return false;
      }
      afterDigit = digit;
    }
    return afterDigit;
  }

  /** Returns the number of a text, or null if it is none. */
  static @Nullable Real real(String text) {
    String digits = TextMethods.strip(text);
    String word = digits.length() <= 9 ? digits.toLowerCase(Locale.ROOT) : "";
    return switch (word) {
      case "inf", "+inf", "infinity", "+infinity" -> new Real(Double.POSITIVE_INFINITY);
      case "-inf", "-infinity" -> new Real(Double.NEGATIVE_INFINITY);
      case "nan", "+nan", "-nan" -> new Real(Double.NaN);
      default -> decimal(digits);
    };
  }

  private static @Nullable Real decimal(String digits) {
    if (digits.isEmpty() || !digits.chars().allMatch(c -> "0123456789+-.eE".indexOf(c) >= 0)) {
      return null; // Java reads more than Python does, such as 1d
    }
    try {
      return new Real(Double.parseDouble(digits));
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** Returns a number without its fraction, or null for a NaN. */
  static @Nullable Int truncated(double value) {
    if (Double.isInfinite(value)) {
      throw JinjaException.runtime("cannot convert float infinity to integer");
    }
    return Double.isNaN(value) ? null : new Int(new BigDecimal(value).toBigInteger());
  }
}
