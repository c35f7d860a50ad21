package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.List;

/**
 * Parses regular expressions of ECMAScript without what no finite automaton can do: look-around,
 * back references and word borders are refused. Used once.
 */
final class RegexParser {
  /** Stands before a text in place of its start. */
  static final Expr BEGIN =
      new Expr.Chars(CodePoints.union(CodePoints.LAST + 1, CodePoints.LAST + 1));

  /** Stands behind a text in place of its end. */
  static final Expr END =
      new Expr.Chars(CodePoints.union(CodePoints.LAST + 2, CodePoints.LAST + 2));

  private static final int MOST_DEPTH = 200;
  private static final int MOST_REPEATS = 100_000;

  private final String pattern;
  private final int[] chars;
  private int at;
  private int depth;

  private RegexParser(String pattern) {
    this.pattern = pattern;
    this.chars = pattern.codePoints().toArray();
  }

  /**
   * Parses an expression.
   *
   * @throws IllegalArgumentException if it is not valid or not regular
   */
  static Expr parse(String pattern) {
    RegexParser parser = new RegexParser(pattern);
    Expr expr = parser.alternatives();
    if (parser.at < parser.chars.length) {
      throw parser.bad("there is a ')' too many");
    }
    return expr;
  }

  private Expr alternatives() {
    if (++depth > MOST_DEPTH) {
      throw bad("it is nested too deeply");
    }
    List<Expr> choices = new ArrayList<>();
    choices.add(sequence());
    while (take('|')) {
      choices.add(sequence());
    }
    depth--;
    return choices.size() == 1 ? choices.get(0) : new Expr.Alt(choices);
  }

  private Expr sequence() {
    List<Expr> parts = new ArrayList<>();
    while (at < chars.length && chars[at] != '|' && chars[at] != ')') {
      parts.add(quantified(atom()));
    }
    return new Expr.Seq(parts);
  }

  private Expr atom() {
    int c = chars[at++];
    return switch (c) {
      case '^' -> BEGIN;
      case '$' -> END;
      case '.' -> new Expr.Chars(RegexClasses.DOT);
      case '(' -> group();
      case '[' -> new Expr.Chars(charClass());
      case '\\' -> escape();
      case '*', '+', '?' -> throw bad("nothing stands before '" + Character.toString(c) + "'");
      default -> new Expr.Chars(CodePoints.of(c, c));
    };
  }

  private Expr group() {
    if (take('?')) {
      if (take('<') && at < chars.length && chars[at] != '=' && chars[at] != '!') {
        while (at < chars.length && chars[at] != '>') {
          at++;
        }
        at++;
      } else if (!take(':')) {
        throw bad("look-around and flags '(?...)' cannot be kept");
      }
    }
    Expr inner = alternatives();
    if (!take(')')) {
      throw bad("a ')' is missing");
    }
    return inner;
  }

  private Expr quantified(Expr atom) {
    Expr expr = atom;
    while (at < chars.length) {
      int before = at;
      int least = 0;
      int most = Expr.MANY;
      if (take('+')) {
        least = 1;
      } else if (take('?')) {
        most = 1;
      } else if (chars[at] == '{') {
        at++;
        least = number();
        most = take(',') ? number() : least;
        if (least < 0 || !take('}')) {
          at = before; // a '{' that is no quantifier stands for itself
          return expr;
        }
        most = most < 0 ? Expr.MANY : most;
      } else if (!take('*')) {
        return expr;
      }
      take('?'); // the shortest match first: the same texts
      if (most < least || least > MOST_REPEATS || (most != Expr.MANY && most > MOST_REPEATS)) {
        throw bad("the repetition {%d,%d} is not in 0 to %d".formatted(least, most, MOST_REPEATS));
      }
      if (expr == BEGIN || expr == END) {
        throw bad("an anchor is repeated");
      }
      expr = new Expr.Repeat(expr, least, most);
    }
    return expr;
  }

  /** Reads a number; returns -1 if there is none. */
  private int number() {
    int start = at;
    long value = 0;
    while (at < chars.length && chars[at] >= '0' && chars[at] <= '9') {
      value = Math.min(Integer.MAX_VALUE - 1L, 10 * value + chars[at++] - '0');
    }
    return at == start ? -1 : (int) value;
  }

  private Expr escape() {
    if (at == chars.length) {
      throw bad("it ends with '\\'");
    }
    int c = chars[at];
    if (c == 'b' || c == 'B' || c == 'k' || (c >= '1' && c <= '9')) {
      throw bad("'\\" + Character.toString(c) + "' cannot be kept");
    }
    CodePoints set = classEscape(false);
    return new Expr.Chars(set);
  }

  private CodePoints charClass() {
    boolean negated = take('^');
    CodePoints set = CodePoints.union();
    while (!take(']')) {
      if (at == chars.length) {
        throw bad("a ']' is missing");
      }
      CodePoints first = classAtom(negated);
      boolean single = first.count() == 1 && first.first(0) == first.last(0);
      if (single && at + 1 < chars.length && chars[at] == '-' && chars[at + 1] != ']') {
        at++;
        CodePoints last = classAtom(negated);
        if (last.count() != 1 || last.first(0) < first.first(0)) {
          throw bad("a range of characters is in the wrong order");
        }
        set = set.or(CodePoints.of(first.first(0), last.first(0)));
      } else {
        set = set.or(first);
      }
    }
    return negated ? set.not() : set;
  }

  private CodePoints classAtom(boolean negated) {
    int c = chars[at++];
    if (c != '\\') {
      return CodePoints.of(c, c);
    }
    if (at == chars.length) {
      throw bad("it ends with '\\'");
    }
    if (chars[at] == 'b') {
      at++;
      return CodePoints.of("\b");
    }
    return classEscape(negated);
  }

  private CodePoints classEscape(boolean negated) {
    int c = chars[at++];
    return switch (c) {
      case 'd' -> RegexClasses.DIGITS;
      case 'D' -> RegexClasses.DIGITS.not();
      case 'w' -> RegexClasses.WORD;
      case 'W' -> RegexClasses.WORD.not();
      case 's' -> negated ? RegexClasses.SPACES : RegexClasses.PLAIN_SPACES;
      case 'S' -> negated ? RegexClasses.PLAIN_SPACES.not() : RegexClasses.SPACES.not();
      case 'n' -> CodePoints.of("\n");
      case 'r' -> CodePoints.of("\r");
      case 't' -> CodePoints.of("\t");
      case 'f' -> CodePoints.of("\f");
      case 'v' -> CodePoints.of(0x0B, 0x0B);
      case '0' -> CodePoints.of(0, 0);
      case 'c' -> one((at < chars.length ? chars[at++] : 0) % 32);
      case 'x' -> one(hex(2));
      case 'u' -> one(unicode());
      case 'p' -> property();
      case 'P' -> property().not();
      default -> {
        if (Character.isLetterOrDigit(c)) {
          throw bad("'\\" + Character.toString(c) + "' is not known");
        }
        yield one(c);
      }
    };
  }

  private static CodePoints one(int c) {
    return CodePoints.of(c, c);
  }

  private int unicode() {
    if (take('{')) {
      int start = at;
      while (at < chars.length && chars[at] != '}') {
        at++;
      }
      int value = parseHex(start, at);
      at++;
      return value;
    }
    int value = hex(4);
    if (Character.isHighSurrogate((char) value)
        && at + 1 < chars.length
        && chars[at] == '\\'
        && chars[at + 1] == 'u') {
      at += 2;
      return Character.toCodePoint((char) value, (char) hex(4));
    }
    return value;
  }

  private int hex(int digits) {
    at += digits;
    return parseHex(at - digits, at);
  }

  private int parseHex(int start, int end) {
    int value = 0;
    for (int i = start; i < end; i++) {
      int digit = i < chars.length ? Character.digit(chars[i], 16) : -1;
      if (digit < 0 || value > CodePoints.LAST) {
        throw bad("an escape of a character has no hexadecimal digits");
      }
      value = 16 * value + digit;
    }
    if (start >= end || value > CodePoints.LAST) {
      throw bad("an escape of a character is not valid");
    }
    return value;
  }

  private CodePoints property() {
    int end = at;
    while (end < chars.length && chars[end] != '}') {
      end++;
    }
    if (!take('{') || end == chars.length) {
      throw bad("'\\p' has no '{...}'");
    }
    String name = new String(chars, at, end - at);
    at = end + 1;
    CodePoints set = RegexClasses.property(name);
    if (set == null) {
      throw bad("the property '\\p{" + name + "}' is not known");
    }
    return set;
  }

  private boolean take(int c) {
    if (at < chars.length && chars[at] == c) {
      at++;
      return true;
    }
    return false;
  }

  private IllegalArgumentException bad(String why) {
    return new IllegalArgumentException(
        "the expression '%s' cannot be used: %s (near character %d)".formatted(pattern, why, at));
  }
}
