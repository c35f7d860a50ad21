package dev.s3llm.text.internal.jinja;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;

/** Splits what is between a template's marks into names, numbers, strings and operators. */
final class ExpressionLexer {
  private static final List<String> PAIRS = List.of("//", "**", "==", "!=", ">=", "<=");
  private static final String SINGLES = "+-/*%~[](){}><=.:|,;";

  private final String source;
  private final List<Token> tokens;
  private final Deque<Character> open = new ArrayDeque<>();
  private int position;

  ExpressionLexer(String source, int position, List<Token> tokens) {
    this.source = source;
    this.position = position;
    this.tokens = tokens;
  }

  /** Reads tokens until a mark's end; returns its offset, its sign included, or -1 at the end. */
  int readUntil(String end) {
    while (true) {
      while (position < source.length() && Python.isSpace(source.charAt(position))) {
        position++;
      }
      if (position >= source.length()) {
        return -1;
      }
      if (open.isEmpty() && endsHere(end)) {
        return position;
      }
      readToken();
    }
  }

  private boolean endsHere(String end) {
    char sign = source.charAt(position);
    boolean signed = sign == '-' || (sign == '+' && end.equals("%}"));
    return source.startsWith(end, signed ? position + 1 : position);
  }

  private void readToken() {
    char c = source.charAt(position);
    if (isDigit(c)) {
      readNumber();
    } else if (c == '\'' || c == '"') {
      readString(c);
    } else if (isNamePart(source.codePointAt(position))) {
      readName();
    } else {
      readOperator();
    }
  }

  private void add(TokenType type, String text, int end) {
    tokens.add(new Token(type, text, position));
    position = end;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static boolean isNamePart(int c) {
    return (c >= 'a' && c <= 'z') || c == '_' || Character.isLetterOrDigit(c);
  }

  private void readName() {
    int end = position;
    while (end < source.length() && isNamePart(source.codePointAt(end))) {
      end += source.charAt(end) < 0x80 ? 1 : Character.charCount(source.codePointAt(end));
    }
    add(TokenType.NAME, source.substring(position, end), end);
  }

  private void readNumber() {
    int end = digits(position, 10);
    boolean afterDot = position > 0 && source.charAt(position - 1) == '.';
    int real = afterDot ? end : exponent(fraction(end));
    if (real > end) {
      add(TokenType.FLOAT, source.substring(position, real).replace("_", ""), real);
      return;
    }
    int radix = end == position + 1 && source.charAt(position) == '0' ? radix(end) : 10;
    if (radix != 10 && digits(end + 1, radix) > end + 1) {
      end = digits(end + 1, radix);
    }
    add(TokenType.INTEGER, source.substring(position, end).replace("_", ""), end);
  }

  private int radix(int at) {
    char c = at < source.length() ? Character.toLowerCase(source.charAt(at)) : ' ';
    return c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10;
  }

  /** Returns the end of digits, between which single underscores may stand. */
  private int digits(int from, int radix) {
    int i = from;
    while (i < source.length()) {
      int digit = source.charAt(i) == '_' ? i + 1 : i;
      boolean ascii = digit < source.length() && source.charAt(digit) < 0x80;
      if (!ascii || Character.digit(source.charAt(digit), radix) < 0) {
        break;
      }
      i = digit + 1;
    }
    return i;
  }

  private int fraction(int at) {
    boolean dot =
        at + 1 < source.length() && source.charAt(at) == '.' && isDigit(source.charAt(at + 1));
    return dot ? digits(at + 1, 10) : at;
  }

  private int exponent(int at) {
    if (at >= source.length() || Character.toLowerCase(source.charAt(at)) != 'e') {
      return at;
    }
    boolean signed = source.startsWith("+", at + 1) || source.startsWith("-", at + 1);
    int first = signed ? at + 2 : at + 1;
    boolean digit = first < source.length() && isDigit(source.charAt(first));
    return digit ? digits(first, 10) : at;
  }

  private void readString(char quote) {
    int end = position + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw JinjaException.syntax(source, position, "this string has no end; expected " + quote);
    }
    add(TokenType.STRING, unescaped(position + 1, end), end + 1);
  }

  private String unescaped(int from, int to) {
    StringBuilder out = new StringBuilder(to - from);
    for (int i = from; i < to; ) {
      char c = source.charAt(i++);
      if (c == '\\') {
        i = unescape(i, to, out);
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  /** Appends what an escape means, and returns where it ends; others keep their backslash. */
  private int unescape(int at, int to, StringBuilder out) {
    char c = source.charAt(at);
    int simple = "\\'\"abfnrtv\n".indexOf(c);
    if (simple >= 0) {
      out.append(c == '\n' ? "" : "\\'\"\u0007\b\f\n\r\t\u000b".substring(simple, simple + 1));
      return at + 1;
    }
    if (c >= '0' && c <= '7') {
      int end = at;
      while (end < Math.min(to, at + 3) && source.charAt(end) >= '0' && source.charAt(end) <= '7') {
        end++;
      }
      out.append((char) Integer.parseInt(source, at, end, 8));
      return end;
    }
    int length = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (length == 0 && c != 'N') {
      out.append('\\');
      return at;
    }
    out.appendCodePoint(hex(at, length, to));
    return at + 1 + length;
  }

  private int hex(int at, int length, int to) {
    int code = length > 0 ? 0 : -1;
    for (int i = at + 1; code >= 0 && i <= at + length; i++) {
      int digit = i < to ? Character.digit(source.charAt(i), 16) : -1;
      code = digit < 0 || code > 0x10ffff ? -1 : code * 16 + digit;
    }
    if (code < 0 || code > 0x10ffff) {
      throw JinjaException.syntax(source, at - 1, "this escape is not supported or not complete");
    }
    return code;
  }

  private void readOperator() {
    char c = source.charAt(position);
    if ("/*=!<>".indexOf(c) >= 0) {
      for (String pair : PAIRS) {
        if (source.startsWith(pair, position)) {
          add(TokenType.OPERATOR, pair, position + 2);
          return;
        }
      }
    }
    if (SINGLES.indexOf(c) < 0) {
      String found = Character.toString(source.codePointAt(position));
      throw JinjaException.syntax(source, position, "unexpected character '" + found + "'");
    }
    balance(c);
    add(TokenType.OPERATOR, String.valueOf(c), position + 1);
  }

  private void balance(char c) {
    int opening = "([{".indexOf(c);
    if (opening >= 0) {
      open.push(")]}".charAt(opening));
    } else if (")]}".indexOf(c) >= 0) {
      Character expected = open.poll();
      if (expected == null || expected != c) {
        throw JinjaException.syntax(
            source,
            position,
            "unexpected '%s'".formatted(c)
                + (expected == null ? "" : "; expected '%s'".formatted(expected)));
      }
    }
  }
}
