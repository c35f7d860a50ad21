package dev.s3llm.text.internal.jinja;

import java.time.Clock;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;

/** {@code strftime_now}: Python's {@code strftime} of a clock's local time, in English. */
final class Dates {
  private static final Map<Character, String> PATTERNS =
      Map.ofEntries(
          Map.entry('Y', "yyyy"),
          Map.entry('m', "MM"),
          Map.entry('d', "dd"),
          Map.entry('H', "HH"),
          Map.entry('I', "hh"),
          Map.entry('M', "mm"),
          Map.entry('S', "ss"),
          Map.entry('y', "yy"),
          Map.entry('f', "SSSSSS"),
          Map.entry('j', "DDD"),
          Map.entry('p', "a"),
          Map.entry('a', "EEE"),
          Map.entry('A', "EEEE"),
          Map.entry('b', "MMM"),
          Map.entry('h', "MMM"),
          Map.entry('B', "MMMM"),
          Map.entry('F', "yyyy-MM-dd"),
          Map.entry('T', "HH:mm:ss"),
          Map.entry('X', "HH:mm:ss"),
          Map.entry('R', "HH:mm"),
          Map.entry('D', "MM/dd/yy"),
          Map.entry('x', "MM/dd/yy"));

  static final int MAX_FORMAT_CHARS = 1000;

  private Dates() {}

  /** Returns the time of a clock in a format of Python's. */
  static String format(Clock clock, String format) {
    LocalDateTime now = LocalDateTime.now(clock);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      if (format.charAt(i) != '%' || i + 1 == format.length()) {
        out.append(format.charAt(i));
        continue;
      }
      boolean bare = format.charAt(i + 1) == '-' && i + 2 < format.length();
      i += bare ? 2 : 1;
      String part = part(now, format.charAt(i));
      out.append(bare ? withoutZeros(part) : part);
    }
    return out.toString();
  }

  private static String part(LocalDateTime now, char directive) {
    return switch (directive) {
      case '%' -> "%";
      case 'n' -> "\n";
      case 't' -> "\t";
      case 'Z', 'z' -> ""; // the local time that transformers takes knows no zone
      case 'e' -> "%2d".formatted(now.getDayOfMonth());
      case 'c' -> formatted(now, "EEE MMM ") + part(now, 'e') + formatted(now, " HH:mm:ss yyyy");
      case 'u' -> String.valueOf(now.getDayOfWeek().getValue());
      case 'w' -> String.valueOf(now.getDayOfWeek().getValue() % 7);
      default -> {
        String pattern = PATTERNS.get(directive);
        if (pattern == null) {
          throw JinjaException.runtime("strftime_now does not support '%%%s'", directive);
        }
        yield formatted(now, pattern);
      }
    };
  }

  private static String formatted(LocalDateTime now, String pattern) {
    return DateTimeFormatter.ofPattern(pattern, Locale.ENGLISH).format(now);
  }

  private static String withoutZeros(String number) {
    String rest = number.strip();
    int zeros = 0;
    while (zeros < rest.length() - 1 && rest.charAt(zeros) == '0') {
      zeros++;
    }
    return rest.substring(zeros);
  }
}
