package dev.s3llm.text.internal.tool;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads calls in the syntax of Python, with literals as arguments: strings, numbers, {@code True},
 * {@code False}, {@code None}, lists, tuples and dictionaries. The words of JSON are accepted too.
 */
final class PythonReader {
  private static final int MAX_DEPTH = 64;

  private final String text;
  private int at;
  private int depth;

  private PythonReader(String text) {
    this.text = text;
  }

  /** A call with its arguments by name. */
  record Call(String name, Map<String, @Nullable Object> arguments) {}

  private static final class Unreadable extends RuntimeException {
    private static final long serialVersionUID = 1;

    Unreadable() {
      super("no calls", null, false, false);
    }
  }

  /** Returns the calls of a list; none if the text is not a list of calls. */
  static List<Call> calls(String text) {
    try {
      PythonReader reader = new PythonReader(text);
      List<Call> calls = new ArrayList<>();
      reader.expect('[');
      do {
        if (reader.peek() == ']') {
          break; // a comma at the end
        }
        calls.add(reader.call());
      } while (reader.skip(','));
      reader.expect(']');
      return reader.peek() == 0 ? calls : List.of();
    } catch (Unreadable e) {
      return List.of();
    }
  }

  private Call call() {
    StringBuilder name = new StringBuilder(word());
    while (skip('.')) {
      name.append('.').append(word());
    }
    expect('(');
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
    while (!skip(')')) {
      String key = word();
      expect('=');
      arguments.put(key, value());
      if (!skip(',')) {
        expect(')');
        break;
      }
    }
    return new Call(name.toString(), arguments);
  }

  private @Nullable Object value() {
    if (++depth > MAX_DEPTH) {
      throw new Unreadable();
    }
    char c = peek();
    @Nullable Object value;
    if (c == '"' || c == '\'') {
      StringBuilder joined = new StringBuilder(string());
      while (peek() == '"' || peek() == '\'') {
        joined.append(string());
      }
      value = joined.toString();
    } else if (c == '[') {
      value = list('[', ']');
    } else if (c == '(') {
      value = list('(', ')');
    } else if (c == '{') {
      value = dictionary();
    } else if (c == '-' || c == '+' || c == '.' || Character.isDigit(c)) {
      value = number();
    } else {
      value = constant();
    }
    depth--;
    return value;
  }

  private List<@Nullable Object> list(char open, char close) {
    List<@Nullable Object> items = new ArrayList<>();
    expect(open);
    while (!skip(close)) {
      items.add(value());
      if (!skip(',')) {
        expect(close);
        break;
      }
    }
    return items;
  }

  private Map<String, @Nullable Object> dictionary() {
    Map<String, @Nullable Object> map = new LinkedHashMap<>();
    expect('{');
    while (!skip('}')) {
      Object key = value();
      expect(':');
      map.put(String.valueOf(key), value());
      if (!skip(',')) {
        expect('}');
        break;
      }
    }
    return map;
  }

  private @Nullable Object constant() {
    return switch (word()) {
      case "True", "true" -> true;
      case "False", "false" -> false;
      case "None", "null" -> null;
      default -> throw new Unreadable();
    };
  }

  private Number number() {
    int start = at;
    while (at < text.length()
        && (Character.isLetterOrDigit(text.charAt(at)) || "+-._".indexOf(text.charAt(at)) >= 0)) {
      at++;
    }
    String digits = text.substring(start, at).replace("_", "");
    if (digits.length() > 400) {
      throw new Unreadable();
    }
    try {
      boolean whole = digits.chars().allMatch(c -> Character.isDigit(c) || c == '-' || c == '+');
      BigDecimal decimal = new BigDecimal(digits);
      if (Math.abs((long) decimal.scale()) > 400) {
        throw new Unreadable();
      }
      return whole ? new BigInteger(digits) : decimal;
    } catch (NumberFormatException e) {
      throw new Unreadable();
    }
  }

  private String string() {
    char quote = peek();
    at++;
    StringBuilder string = new StringBuilder();
    while (at < text.length()) {
      char c = text.charAt(at++);
      if (c == quote) {
        return string.toString();
      }
      if (c == '\\' && at < text.length()) {
        escape(string, text.charAt(at++));
      } else {
        string.append(c);
      }
    }
    throw new Unreadable();
  }

  private void escape(StringBuilder string, char c) {
    switch (c) {
      case 'n' -> string.append('\n');
      case 't' -> string.append('\t');
      case 'r' -> string.append('\r');
      case '\n' -> {} // continues the line
      case '\\', '\'', '"', '/' -> string.append(c);
      case 'x' -> string.append((char) hex(2));
      case 'u' -> string.append((char) hex(4));
      default -> string.append('\\').append(c);
    }
  }

  private int hex(int digits) {
    try {
      int value = Integer.parseInt(text, at, at + digits, 16);
      at += digits;
      return value;
    } catch (NumberFormatException | IndexOutOfBoundsException e) {
      throw new Unreadable();
    }
  }

  private String word() {
    peek();
    int start = at;
    while (at < text.length()
        && (Character.isLetterOrDigit(text.charAt(at)) || "_-".indexOf(text.charAt(at)) >= 0)) {
      at++;
    }
    if (start == at) {
      throw new Unreadable();
    }
    return text.substring(start, at);
  }

  /** Skips blanks and returns the next character; 0 at the end. */
  private char peek() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
    return at < text.length() ? text.charAt(at) : 0;
  }

  private boolean skip(char c) {
    boolean there = peek() == c;
    at += there ? 1 : 0;
    return there;
  }

  private void expect(char c) {
    if (!skip(c)) {
      throw new Unreadable();
    }
  }
}
