package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Parses grammars in the form GBNF of llama.cpp: rules with alternatives, groups, literals, classes
 * of characters and repetitions. Used once.
 */
public final class GbnfParser {
  private static final String ROOT = "root";
  private static final int MOST_CHARS = 1 << 20;
  private static final int MOST_REPEATS = 100_000;
  private static final int MOST_DEPTH = 200;

  private final int[] chars;
  private final Map<String, Rule> rules = new LinkedHashMap<>();

  /** Where each rule is named first. */
  private final Map<String, Integer> places = new HashMap<>();

  private int at;
  private int depth;

  private GbnfParser(String text) {
    chars = text.codePoints().toArray();
  }

  /**
   * Compiles a grammar.
   *
   * @param text its rules, one of them named {@code root}
   * @throws IllegalArgumentException if the text is not valid, a rule is missing or begins with
   *     itself
   */
  public static Program compile(String text) {
    if (text.length() > MOST_CHARS) {
      throw new IllegalArgumentException(
          "the grammar has %d characters, the limit is %d".formatted(text.length(), MOST_CHARS));
    }
    return ProgramCompiler.compile(new GbnfParser(text).parse());
  }

  private Rule parse() {
    skip(true);
    while (at < chars.length) {
      rule();
      skip(true);
    }
    for (Rule rule : rules.values()) {
      if (!rule.isDefined()) {
        at = places.getOrDefault(rule.name(), at);
        throw bad("it has no rule '" + rule.name() + "', which is used here");
      }
    }
    Rule root = rules.get(ROOT);
    if (root == null) {
      throw new IllegalArgumentException("the grammar has no rule 'root'");
    }
    return root;
  }

  private void rule() {
    String name = name();
    skip(false);
    if (!take("::=")) {
      throw bad("'::=' is missing behind the name '" + name + "'");
    }
    skip(true);
    Rule rule = rules.computeIfAbsent(name, Rule::new);
    if (rule.isDefined()) {
      throw bad("the rule '" + name + "' is there twice");
    }
    rule.define(alternatives(false));
    if (at < chars.length && chars[at] != '\n' && chars[at] != '\r') {
      throw bad("'" + Character.toString(chars[at]) + "' is not expected here");
    }
  }

  private Expr alternatives(boolean inner) {
    if (++depth > MOST_DEPTH) {
      throw bad("it is nested too deeply");
    }
    List<Expr> choices = new ArrayList<>();
    choices.add(sequence(inner));
    while (nextIsBar(inner)) {
      at++;
      skip(true);
      choices.add(sequence(inner));
    }
    depth--;
    return choices.size() == 1 ? choices.get(0) : new Expr.Alt(choices);
  }

  /** Moves to a bar, which may be on a later line; otherwise stays. */
  private boolean nextIsBar(boolean inner) {
    int before = at;
    skip(true);
    if (at < chars.length && chars[at] == '|') {
      return true;
    }
    if (!inner) {
      at = before;
    }
    return false;
  }

  private Expr sequence(boolean inner) {
    List<Expr> parts = new ArrayList<>();
    while (at < chars.length) {
      int c = chars[at];
      Expr part;
      if (c == '"') {
        part = literal();
      } else if (c == '[') {
        part = new Expr.Chars(charClass());
      } else if (c == '.') {
        at++;
        part = new Expr.Chars(CodePoints.ALL);
      } else if (c == '(') {
        part = group();
      } else if (isNameChar(c)) {
        part = rules.computeIfAbsent(name(), Rule::new).call();
      } else if (c == '<' || c == '!') {
        throw bad("tokens by name or number '<...>' cannot be used; write their text");
      } else {
        break;
      }
      skip(inner);
      parts.add(repeated(part, inner));
    }
    return new Expr.Seq(parts);
  }

  private Expr group() {
    at++;
    skip(true);
    Expr inner = alternatives(true);
    skip(true);
    if (!take(")")) {
      throw bad("a ')' is missing");
    }
    return inner;
  }

  private Expr repeated(Expr part, boolean inner) {
    Expr expr = part;
    while (at < chars.length) {
      if (take("*")) {
        expr = new Expr.Repeat(expr, 0, Expr.MANY);
      } else if (take("+")) {
        expr = new Expr.Repeat(expr, 1, Expr.MANY);
      } else if (take("?")) {
        expr = Expr.optional(expr);
      } else if (take("{")) {
        expr = counted(expr);
      } else {
        return expr;
      }
      skip(inner);
    }
    return expr;
  }

  private Expr counted(Expr part) {
    skip(false);
    int least = chars.length > at && chars[at] == ',' ? 0 : number();
    skip(false);
    int most = least;
    if (take(",")) {
      skip(false);
      most = at < chars.length && chars[at] == '}' ? Expr.MANY : number();
      skip(false);
    }
    if (!take("}") || most < least) {
      throw bad("a repetition must be {m}, {m,}, {m,n} or {,n} with m of at most n");
    }
    return new Expr.Repeat(part, least, most);
  }

  private int number() {
    int value = 0;
    int start = at;
    while (at < chars.length && chars[at] >= '0' && chars[at] <= '9' && value <= MOST_REPEATS) {
      value = 10 * value + chars[at++] - '0';
    }
    if (at == start || value > MOST_REPEATS) {
      throw bad("a number of repetitions from 0 to " + MOST_REPEATS + " is missing");
    }
    return value;
  }

  private Expr literal() {
    at++;
    StringBuilder text = new StringBuilder();
    while (at < chars.length && chars[at] != '"') {
      text.appendCodePoint(character());
    }
    if (!take("\"")) {
      throw bad("the end of a literal is missing");
    }
    return Expr.text(text.toString());
  }

  private CodePoints charClass() {
    at++;
    boolean negated = take("^");
    Ints pairs = new Ints();
    while (at < chars.length && chars[at] != ']') {
      int first = character();
      int last = first;
      if (at + 1 < chars.length && chars[at] == '-' && chars[at + 1] != ']') {
        at++;
        last = character();
      }
      if (last < first) {
        throw bad("a range of characters is in the wrong order");
      }
      pairs.add(first);
      pairs.add(last);
    }
    if (!take("]")) {
      throw bad("a ']' is missing");
    }
    CodePoints set = CodePoints.union(pairs.toArray());
    return negated ? set.not() : set;
  }

  private int character() {
    int c = chars[at++];
    if (c != '\\') {
      return c;
    }
    int escaped = at < chars.length ? chars[at++] : -1;
    return switch (escaped) {
      case 'x' -> hex(2);
      case 'u' -> hex(4);
      case 'U' -> hex(8);
      case 't' -> '\t';
      case 'r' -> '\r';
      case 'n' -> '\n';
      case '\\', '"', '[', ']', '-', '^', '/', '\'' -> escaped;
      default -> throw bad("an escape is not known");
    };
  }

  private int hex(int digits) {
    long value = 0;
    for (int i = 0; i < digits; i++, at++) {
      int digit = at < chars.length ? Character.digit(chars[at], 16) : -1;
      if (digit < 0) {
        throw bad("an escape of a character has too few hexadecimal digits");
      }
      value = 16 * value + digit;
    }
    if (value > CodePoints.LAST
        || (value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE)) {
      throw bad("an escape is no character");
    }
    return (int) value;
  }

  private static boolean isNameChar(int c) {
    return (c >= 'a' && c <= 'z')
        || (c >= 'A' && c <= 'Z')
        || (c >= '0' && c <= '9')
        || c == '-'
        || c == '_';
  }

  private String name() {
    int start = at;
    while (at < chars.length && isNameChar(chars[at])) {
      at++;
    }
    if (start == at) {
      throw bad("the name of a rule is missing");
    }
    String name = new String(chars, start, at - start);
    places.putIfAbsent(name, start);
    return name;
  }

  /** Skips blanks and comments, and ends of lines if they mean nothing here. */
  private void skip(boolean lines) {
    while (at < chars.length) {
      int c = chars[at];
      if (c == '#') {
        while (at < chars.length && chars[at] != '\n' && chars[at] != '\r') {
          at++;
        }
      } else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r'))) {
        at++;
      } else {
        return;
      }
    }
  }

  private boolean take(String text) {
    if (at + text.length() > chars.length) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (chars[at + i] != text.charAt(i)) {
        return false;
      }
    }
    at += text.length();
    return true;
  }

  private IllegalArgumentException bad(String why) {
    int line = 1;
    int start = 0;
    for (int i = 0; i < at && i < chars.length; i++) {
      if (chars[i] == '\n') {
        line++;
        start = i + 1;
      }
    }
    int column = Math.min(at, chars.length) - start + 1;
    return new IllegalArgumentException(
        "the grammar cannot be used: %s (line %d, column %d)".formatted(why, line, column));
  }
}
