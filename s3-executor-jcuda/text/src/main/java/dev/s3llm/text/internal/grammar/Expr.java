package dev.s3llm.text.internal.grammar;

import java.util.List;
import java.util.Set;

/** A language of texts. Immutable. */
public sealed interface Expr {
  /** No upper bound of a number of repetitions. */
  int MANY = Integer.MAX_VALUE;

  /** The empty text. */
  Expr EMPTY = new Seq(List.of());

  /** No text at all. */
  Expr NOTHING = new Alt(List.of());

  /** One code point of a set. */
  record Chars(CodePoints set) implements Expr {}

  /** A literal text. */
  record Text(String text) implements Expr {}

  /** One part after another. */
  record Seq(List<Expr> parts) implements Expr {}

  /** One of several. */
  record Alt(List<Expr> choices) implements Expr {}

  /** A part several times; {@code most} may be {@link #MANY}. */
  record Repeat(Expr part, int least, int most) implements Expr {}

  /** The language of a rule. */
  record Call(Rule rule) implements Expr {}

  /** The language of an automaton over code points. */
  record Embed(Dfa automaton) implements Expr {}

  /** All ways through a graph, from node 0 to one of the ends. */
  record Graph(int nodes, List<Edge> edges, Set<Integer> ends) implements Expr {}

  /** An edge of a graph. */
  record Edge(int from, Expr label, int to) {}

  /** Returns the concatenation of parts. */
  static Expr seq(Expr... parts) {
    return new Seq(List.of(parts));
  }

  /** Returns the union of choices. */
  static Expr alt(Expr... choices) {
    return new Alt(List.of(choices));
  }

  /** Returns a literal. */
  static Expr text(String text) {
    return new Text(text);
  }

  /** Returns a part that may be left out. */
  static Expr optional(Expr part) {
    return new Repeat(part, 0, 1);
  }
}
