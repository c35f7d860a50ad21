package dev.s3llm.text.internal.tool;

import java.util.regex.Pattern;

/**
 * Checks a JSON object or array while it arrives, character by character. Line breaks and other
 * control characters within strings are accepted, since models write them. Not thread-safe.
 */
final class JsonScanner {
  private static final int MAX_DEPTH = 256;
  private static final Pattern SCALAR =
      Pattern.compile("true|false|null|-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?");

  private enum Expect {
    VALUE,
    VALUE_OR_END,
    KEY,
    KEY_OR_END,
    COLON,
    COMMA_OR_END
  }

  private final StringBuilder open = new StringBuilder();
  private final StringBuilder token = new StringBuilder();
  private Expect expect = Expect.VALUE;
  private boolean inString;
  private boolean inKey;
  private boolean escaped;
  private int hexDigits;
  private boolean inScalar;
  private boolean done;

  /**
   * Adds a character.
   *
   * @return whether the text so far begins a JSON object or array
   */
  boolean feed(char c) {
    if (done) {
      return false;
    }
    if (inString) {
      return inString(c);
    }
    if (inScalar) {
      if (Character.isLetterOrDigit(c) || "+-.".indexOf(c) >= 0) {
        token.append(c);
        return token.length() <= 400;
      }
      inScalar = false;
      expect = Expect.COMMA_OR_END;
      if (!SCALAR.matcher(token).matches()) {
        return false;
      }
    }
    return isSpace(c) || structure(c);
  }

  /** Returns the number of objects and arrays that are open. */
  int depth() {
    return open.length();
  }

  /** Returns whether the text so far ends within a string. */
  boolean inString() {
    return inString;
  }

  /** Returns whether the string that begins or has ended last is a key. */
  boolean inKey() {
    return inKey;
  }

  /** Returns the source of the string that has ended last, without quotes. */
  String lastString() {
    return token.toString();
  }

  /** Returns whether the object or array is complete. */
  boolean done() {
    return done;
  }

  static boolean isSpace(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
  }

  private boolean inString(char c) {
    if (hexDigits > 0) {
      hexDigits--;
      token.append(c);
      return Character.digit(c, 16) >= 0;
    }
    if (escaped) {
      escaped = false;
      hexDigits = c == 'u' ? 4 : 0;
      token.append(c);
      return "\"\\/bfnrtu".indexOf(c) >= 0;
    }
    if (c == '"') {
      inString = false;
      expect = inKey ? Expect.COLON : Expect.COMMA_OR_END;
      return true;
    }
    escaped = c == '\\';
    token.append(c);
    return true;
  }

  private boolean structure(char c) {
    return switch (c) {
      case '{', '[' -> open(c);
      case '}' -> close('{', Expect.KEY_OR_END);
      case ']' -> close('[', Expect.VALUE_OR_END);
      case '"' -> string();
      case ':' -> next(Expect.COLON, Expect.VALUE);
      case ',' -> next(Expect.COMMA_OR_END, inObject() ? Expect.KEY : Expect.VALUE);
      default -> scalar(c);
    };
  }

  private boolean open(char c) {
    if (!expectsValue() || open.length() >= MAX_DEPTH) {
      return false;
    }
    open.append(c);
    expect = c == '{' ? Expect.KEY_OR_END : Expect.VALUE_OR_END;
    return true;
  }

  private boolean close(char opener, Expect empty) {
    int last = open.length() - 1;
    if (last < 0
        || open.charAt(last) != opener
        || (expect != Expect.COMMA_OR_END && expect != empty)) {
      return false;
    }
    open.setLength(last);
    expect = Expect.COMMA_OR_END;
    done = last == 0;
    return true;
  }

  private boolean string() {
    inKey = expect == Expect.KEY || expect == Expect.KEY_OR_END;
    if (open.isEmpty() || !(inKey || expectsValue())) {
      return false;
    }
    inString = true;
    token.setLength(0);
    return true;
  }

  private boolean next(Expect required, Expect then) {
    if (expect != required || open.isEmpty()) {
      return false;
    }
    expect = then;
    return true;
  }

  private boolean scalar(char c) {
    if (!expectsValue() || open.isEmpty() || !(c == '-' || Character.isLetterOrDigit(c))) {
      return false;
    }
    inScalar = true;
    token.setLength(0);
    token.append(c);
    return true;
  }

  private boolean expectsValue() {
    return expect == Expect.VALUE || expect == Expect.VALUE_OR_END;
  }

  private boolean inObject() {
    return !open.isEmpty() && open.charAt(open.length() - 1) == '{';
  }
}
