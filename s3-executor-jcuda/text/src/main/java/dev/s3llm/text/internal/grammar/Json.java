package dev.s3llm.text.internal.grammar;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The languages of JSON's values, as models write them. Blanks are bounded: one behind a colon;
 * one, or a new line with some more, behind opening brackets and commas and before closing
 * brackets. Numbers have at most 18 digits on each side of the point and two in the exponent.
 */
final class Json {
  private static final CodePoints PLAIN = CodePoints.of("\"\\").or(CodePoints.of(0, 0x1F)).not();

  private static final Map<Integer, String> SHORT =
      Map.of(
          (int) '"',
          "\\\"",
          (int) '\\',
          "\\\\",
          8,
          "\\b",
          12,
          "\\f",
          10,
          "\\n",
          13,
          "\\r",
          9,
          "\\t");

  private static final String HEX = "[0-9a-fA-F]";
  private static final String ESCAPED =
      "\\\\(?:[\"\\\\/bfnrt]|u(?:[0-9a-cefA-CEF]"
          + HEX
          + "{3}|[dD](?:[0-7]"
          + HEX
          + "{2}|[89abAB]"
          + HEX
          + "{2}\\\\u[dD][c-fC-F]"
          + HEX
          + "{2})))";

  static final Expr COLON = Expr.seq(Expr.text(":"), Expr.optional(Expr.text(" ")));
  static final Expr BOOLEAN = Expr.alt(Expr.text("true"), Expr.text("false"));
  static final Expr NULL = Expr.text("null");

  /** A character within a string. */
  final Rule character =
      new Rule("character", Expr.alt(new Expr.Chars(PLAIN), new Expr.Embed(automaton(ESCAPED))));

  final Rule string = new Rule("string", string(0, Expr.MANY));
  final Rule integer = new Rule("integer", new Expr.Embed(automaton("-?(?:0|[1-9]\\d{0,17})")));
  final Rule number =
      new Rule(
          "number",
          new Expr.Embed(
              automaton("-?(?:0|[1-9]\\d{0,17})(?:\\.\\d{1,18})?(?:[eE][+-]?\\d{1,2})?")));

  final Rule blank = new Rule("blank", blank());
  final Rule value = new Rule("value");
  final Rule object = new Rule("object");
  final Rule array = new Rule("array");

  Json() {
    object.define(braces(list(Expr.seq(string.call(), COLON, value.call()))));
    array.define(brackets(list(value.call())));
    value.define(
        Expr.alt(object.call(), array.call(), string.call(), number.call(), BOOLEAN, NULL));
  }

  private static Dfa automaton(String pattern) {
    return Regexes.automaton(RegexParser.parse(pattern));
  }

  private static Expr blank() {
    Expr some = new Expr.Repeat(Expr.text(" "), 0, 8);
    Expr tabs = new Expr.Repeat(Expr.text("\t"), 1, 8);
    return Expr.alt(
        Expr.EMPTY,
        Expr.text(" "),
        Expr.seq(Expr.text("\n"), Expr.alt(Expr.seq(some, some, some), tabs)));
  }

  Expr comma() {
    return Expr.seq(Expr.text(","), blank.call());
  }

  /** Returns any number of items with commas between. */
  private Expr list(Expr item) {
    return Expr.optional(Expr.seq(item, new Expr.Repeat(Expr.seq(comma(), item), 0, Expr.MANY)));
  }

  Expr braces(Expr inner) {
    return framed("{", inner, "}");
  }

  Expr brackets(Expr inner) {
    return framed("[", inner, "]");
  }

  private Expr framed(String open, Expr inner, String close) {
    return Expr.seq(Expr.text(open), blank.call(), inner, blank.call(), Expr.text(close));
  }

  /** Returns strings of a number of code points. */
  Expr string(int least, int most) {
    Expr one =
        least == 0 && most == Expr.MANY
            ? Expr.alt(new Expr.Chars(PLAIN), new Expr.Embed(automaton(ESCAPED)))
            : character.call();
    return Expr.seq(Expr.text("\""), new Expr.Repeat(one, least, most), Expr.text("\""));
  }

  /** Returns strings whose content an automaton accepts. */
  static Expr string(Dfa content) {
    List<Expr.Edge> edges = new ArrayList<>();
    Set<Integer> ends = new HashSet<>();
    for (int s = 0; s < content.size(); s++) {
      int[] own = content.edges(s);
      for (int i = 0; i < own.length; i += 3) {
        CodePoints set = CodePoints.of(own[i], own[i + 1]);
        edges.add(new Expr.Edge(s, new Expr.Chars(set.without(PLAIN.not())), own[i + 2]));
        for (int c = own[i]; c <= Math.min(own[i + 1], '\\'); c++) {
          if (!PLAIN.contains(c)) {
            edges.add(new Expr.Edge(s, Expr.text(escaped(c)), own[i + 2]));
          }
        }
      }
      if (content.accepts(s)) {
        ends.add(s);
      }
    }
    return Expr.seq(Expr.text("\""), new Expr.Graph(content.size(), edges, ends), Expr.text("\""));
  }

  private static String escaped(int c) {
    return SHORT.getOrDefault(c, "\\u%04x".formatted(c));
  }

  /** Returns a string as it is written. */
  static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    text.codePoints()
        .forEach(
            c -> {
              if (PLAIN.contains(c)
                  || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
                out.appendCodePoint(c);
              } else {
                out.append(escaped(c));
              }
            });
    return out.append('"').toString();
  }

  /** Returns a value as it may be written. */
  Expr literal(JsonNode value) {
    if (value.isTextual()) {
      return Expr.text(quoted(value.textValue()));
    }
    if (!value.isContainerNode()) {
      return Expr.text(value.toString());
    }
    List<Expr> parts = new ArrayList<>();
    if (value.isArray()) {
      value.forEach(item -> addItem(parts, literal(item)));
      return brackets(new Expr.Seq(parts));
    }
    value
        .properties()
        .forEach(
            field ->
                addItem(
                    parts,
                    Expr.seq(Expr.text(quoted(field.getKey())), COLON, literal(field.getValue()))));
    return braces(new Expr.Seq(parts));
  }

  private void addItem(List<Expr> parts, Expr item) {
    if (!parts.isEmpty()) {
      parts.add(comma());
    }
    parts.add(item);
  }
}
