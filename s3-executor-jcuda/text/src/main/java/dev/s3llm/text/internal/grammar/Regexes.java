package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.List;

/** Automata of regular expressions, over code points. */
final class Regexes {
  private static final int BEGIN = CodePoints.LAST + 1;
  private static final int END = CodePoints.LAST + 2;

  /** The largest number of states before they are made deterministic. */
  private static final int MOST_STATES = 200_000;

  private Regexes() {}

  /** Returns the automaton of all texts in which an expression finds something. */
  static Dfa found(String pattern) {
    Expr expr = RegexParser.parse(pattern);
    boolean begins = hasAnchorAt(expr, true);
    Expr rest = begins ? withoutAnchor(expr, true) : expr;
    boolean ends = hasAnchorAt(rest, false);
    rest = ends ? withoutAnchor(rest, false) : rest;
    if (!hasAnchors(rest)) {
      Nfa nfa = new Nfa();
      int from = begins ? 0 : loop(nfa, 0, CodePoints.LAST);
      int to = add(nfa, from, rest);
      nfa.accept(ends ? to : loop(nfa, to, CodePoints.LAST));
      return nfa.toDfa();
    }
    Nfa nfa = new Nfa();
    nfa.accept(loop(nfa, add(nfa, loop(nfa, 0, END), expr), END));
    return framed(nfa.toDfa());
  }

  /** Returns the language of all texts that an expression describes as a whole. */
  static Expr whole(String pattern) {
    Expr expr = RegexParser.parse(pattern);
    Expr rest = hasAnchorAt(expr, true) ? withoutAnchor(expr, true) : expr;
    rest = hasAnchorAt(rest, false) ? withoutAnchor(rest, false) : rest;
    if (!hasAnchors(rest)) {
      return rest;
    }
    Nfa nfa = new Nfa();
    int start = nfa.newState();
    nfa.empty(0, start);
    nfa.edge(0, BEGIN, BEGIN, start);
    int to = add(nfa, start, expr);
    int end = nfa.newState();
    nfa.edge(to, END, END, end);
    nfa.accept(to);
    nfa.accept(end);
    return new Expr.Embed(framed(nfa.toDfa()));
  }

  /** Returns the automaton of a regular language without calls. */
  static Dfa automaton(Expr expr) {
    Nfa nfa = new Nfa();
    nfa.accept(add(nfa, 0, expr));
    return nfa.toDfa();
  }

  /**
   * Returns the automaton of the texts that an automaton accepts between the marks of their begin
   * and end; either mark may be missing in what it accepts.
   */
  private static Dfa framed(Dfa marked) {
    Nfa frame = new Nfa();
    int inner = frame.newState();
    int end = frame.newState();
    frame.empty(0, inner);
    frame.edge(0, BEGIN, BEGIN, inner);
    addAll(frame, inner, CodePoints.ALL, inner);
    frame.edge(inner, END, END, end);
    frame.accept(inner);
    frame.accept(end);
    Dfa both = marked.and(frame.toDfa());
    Nfa plain = new Nfa();
    while (plain.size() < both.size()) {
      plain.newState();
    }
    for (int s = 0; s < both.size(); s++) {
      int[] own = both.edges(s);
      for (int i = 0; i < own.length; i += 3) {
        if (own[i + 1] > CodePoints.LAST) {
          plain.empty(s, own[i + 2]);
        }
        if (own[i] <= CodePoints.LAST) {
          plain.edge(s, own[i], Math.min(own[i + 1], CodePoints.LAST), own[i + 2]);
        }
      }
      if (both.accepts(s)) {
        plain.accept(s);
      }
    }
    return plain.toDfa();
  }

  /** Adds the texts of an automaton to those of another one. */
  static void embed(Nfa nfa, Dfa automaton) {
    int[] states = new int[automaton.size()];
    for (int s = 0; s < states.length; s++) {
      states[s] = nfa.newState();
      if (automaton.accepts(s)) {
        nfa.accept(states[s]);
      }
    }
    nfa.empty(0, states[0]);
    for (int s = 0; s < states.length; s++) {
      int[] own = automaton.edges(s);
      for (int i = 0; i < own.length; i += 3) {
        nfa.edge(states[s], own[i], own[i + 1], states[own[i + 2]]);
      }
    }
  }

  private static int loop(Nfa nfa, int from, int last) {
    int state = nfa.newState();
    nfa.empty(from, state);
    addAll(nfa, state, CodePoints.ALL, state);
    if (last > CodePoints.LAST) {
      nfa.edge(state, BEGIN, END, state);
    }
    return state;
  }

  private static void addAll(Nfa nfa, int from, CodePoints set, int to) {
    for (int r = 0; r < set.count(); r++) {
      nfa.edge(from, set.first(r), set.last(r), to);
    }
  }

  private static int add(Nfa nfa, int from, Expr expr) {
    if (nfa.size() > MOST_STATES) {
      throw new IllegalArgumentException(
          "the expression needs more than %d states; use smaller bounds".formatted(MOST_STATES));
    }
    int to = nfa.newState();
    if (expr instanceof Expr.Chars chars) {
      addAll(nfa, from, chars.set(), to);
    } else if (expr instanceof Expr.Seq seq) {
      int state = from;
      for (Expr part : seq.parts()) {
        state = add(nfa, state, part);
      }
      nfa.empty(state, to);
    } else if (expr instanceof Expr.Alt alt) {
      for (Expr choice : alt.choices()) {
        int start = nfa.newState();
        nfa.empty(from, start);
        nfa.empty(add(nfa, start, choice), to);
      }
    } else if (expr instanceof Expr.Text text) {
      int state = from;
      for (int c : text.text().codePoints().toArray()) {
        int next = nfa.newState();
        nfa.edge(state, c, c, next);
        state = next;
      }
      nfa.empty(state, to);
    } else if (expr instanceof Expr.Repeat repeat) {
      addRepeat(nfa, from, repeat, to);
    } else {
      throw new AssertionError(expr);
    }
    return to;
  }

  private static void addRepeat(Nfa nfa, int from, Expr.Repeat repeat, int to) {
    int state = nfa.newState();
    nfa.empty(from, state);
    for (int i = 0; i < repeat.least(); i++) {
      state = add(nfa, state, repeat.part());
    }
    nfa.empty(state, to);
    if (repeat.most() == Expr.MANY) {
      int loop = nfa.newState();
      nfa.empty(state, loop);
      nfa.empty(add(nfa, loop, repeat.part()), loop);
      nfa.empty(loop, to);
    }
    for (int i = repeat.least(); repeat.most() != Expr.MANY && i < repeat.most(); i++) {
      state = add(nfa, state, repeat.part());
      nfa.empty(state, to);
    }
  }

  private static boolean hasAnchorAt(Expr expr, boolean start) {
    if (expr instanceof Expr.Seq seq && !seq.parts().isEmpty()) {
      return hasAnchorAt(seq.parts().get(start ? 0 : seq.parts().size() - 1), start);
    }
    if (expr instanceof Expr.Alt alt) {
      return alt.choices().stream().allMatch(choice -> hasAnchorAt(choice, start));
    }
    return expr == (start ? RegexParser.BEGIN : RegexParser.END);
  }

  private static Expr withoutAnchor(Expr expr, boolean start) {
    if (expr instanceof Expr.Seq seq) {
      List<Expr> parts = new ArrayList<>(seq.parts());
      int index = start ? 0 : parts.size() - 1;
      parts.set(index, withoutAnchor(parts.get(index), start));
      return new Expr.Seq(parts);
    }
    if (expr instanceof Expr.Alt alt) {
      return new Expr.Alt(alt.choices().stream().map(c -> withoutAnchor(c, start)).toList());
    }
    return Expr.EMPTY;
  }

  private static boolean hasAnchors(Expr expr) {
    if (expr instanceof Expr.Seq seq) {
      return seq.parts().stream().anyMatch(Regexes::hasAnchors);
    } else if (expr instanceof Expr.Alt alt) {
      return alt.choices().stream().anyMatch(Regexes::hasAnchors);
    } else if (expr instanceof Expr.Repeat repeat) {
      return hasAnchors(repeat.part());
    }
    return expr == RegexParser.BEGIN || expr == RegexParser.END;
  }
}
