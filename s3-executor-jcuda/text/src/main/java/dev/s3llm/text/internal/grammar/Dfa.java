package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An automaton over numbers without empty edges; state 0 is the start. Deterministic but for those
 * that {@link Nfa#toDfa} could not make so. Immutable.
 */
public final class Dfa {
  /** The largest number of states of an automaton that is put together from two. */
  private static final int MOST_STATES = 20_000;

  /** The longest way that is followed to find the longest text. */
  private static final int MOST_SEARCHED = 2_000;

  /** For each state: first and last symbol and target of each edge. */
  private final int[][] edges;

  private final BitSet accepting;

  Dfa(int[][] edges, BitSet accepting) {
    this.edges = edges;
    this.accepting = accepting;
  }

  int size() {
    return edges.length;
  }

  int[] edges(int state) {
    return edges[state];
  }

  boolean accepts(int state) {
    return accepting.get(state);
  }

  boolean isEmpty() {
    return accepting.isEmpty(); // states that lead nowhere are left out
  }

  /** Returns whether a deterministic automaton accepts a text. */
  boolean accepts(String text) {
    int state = 0;
    for (int c : text.codePoints().toArray()) {
      state = next(state, c);
      if (state < 0) {
        return false;
      }
    }
    return accepts(state);
  }

  private int next(int state, int symbol) {
    int[] own = edges[state];
    for (int i = 0; i < own.length; i += 3) {
      if (own[i] <= symbol && symbol <= own[i + 1]) {
        return own[i + 2];
      }
    }
    return -1;
  }

  /** Returns the number of symbols of a shortest text; 0 if there is none. */
  int shortest() {
    BitSet now = new BitSet();
    now.set(0);
    for (int length = 0; length < size(); length++) {
      if (now.intersects(accepting)) {
        return length;
      }
      now = after(now);
    }
    return 0;
  }

  /**
   * Returns the number of symbols of a longest text; {@link Expr#MANY} if there is none, and for an
   * automaton of too many states to search.
   */
  int longest() {
    BitSet now = new BitSet();
    now.set(0);
    int longest = 0;
    for (int length = 0; length < Math.min(size(), MOST_SEARCHED); length++) {
      if (now.isEmpty()) {
        return longest;
      }
      longest = now.intersects(accepting) ? length : longest;
      now = after(now);
    }
    return now.isEmpty() ? longest : Expr.MANY; // without a loop no way visits a state twice
  }

  private BitSet after(BitSet states) {
    BitSet next = new BitSet();
    states.stream()
        .forEach(
            state -> {
              for (int i = 2; i < edges[state].length; i += 3) {
                next.set(edges[state][i]);
              }
            });
    return next;
  }

  /** Returns the automaton without states that lead to no accepting one. */
  Dfa trimmed() {
    BitSet live = (BitSet) accepting.clone();
    for (boolean changed = true; changed; ) {
      changed = false;
      for (int s = edges.length - 1; s >= 0; s--) {
        if (!live.get(s) && leadsTo(s, live)) {
          live.set(s);
          changed = true;
        }
      }
    }
    return keep(live);
  }

  private boolean leadsTo(int state, BitSet live) {
    for (int i = 2; i < edges[state].length; i += 3) {
      if (live.get(edges[state][i])) {
        return true;
      }
    }
    return false;
  }

  /** Keeps the live states that can be reached. */
  private Dfa keep(BitSet live) {
    int[] ids = new int[edges.length];
    Arrays.fill(ids, -1);
    Ints order = new Ints();
    order.add(0);
    ids[0] = 0;
    List<int[]> out = new ArrayList<>();
    for (int done = 0; done < order.size(); done++) {
      int[] own = edges[order.get(done)];
      Ints kept = new Ints();
      for (int i = 0; i < own.length; i += 3) {
        int to = own[i + 2];
        if (live.get(to)) {
          if (ids[to] < 0) {
            ids[to] = order.size();
            order.add(to);
          }
          kept.add(own[i], own[i + 1], ids[to]);
        }
      }
      out.add(kept.toArray());
    }
    BitSet accepts = new BitSet();
    for (int i = 0; i < order.size(); i++) {
      accepts.set(i, accepting.get(order.get(i)));
    }
    return new Dfa(out.toArray(int[][]::new), accepts);
  }

  /** Returns an equal automaton with as few states as possible. */
  Dfa minimal() {
    int[] classes = new Minimizer(this).run();
    return quotient(classes, Arrays.stream(classes).max().orElse(-1) + 1);
  }

  /** Adds the edges of a state between classes; neighbours with one target become one. */
  void merged(int state, int[] classes, Ints out) {
    int[] own = edges[state];
    for (int i = 0; i < own.length; ) {
      int first = own[i];
      int last = own[i + 1];
      int to = classes[own[i + 2]];
      for (i += 3; i < own.length && own[i] == last + 1 && classes[own[i + 2]] == to; i += 3) {
        last = own[i + 1];
      }
      out.add(first, last, to);
    }
  }

  private Dfa quotient(int[] classes, int count) {
    int[][] out = new int[count][];
    BitSet accepts = new BitSet();
    for (int s = 0; s < size(); s++) {
      if (out[classes[s]] == null) {
        Ints own = new Ints();
        merged(s, classes, own);
        out[classes[s]] = own.toArray();
        accepts.set(classes[s], accepting.get(s));
      }
    }
    return new Dfa(out, accepts);
  }

  /** Returns the automaton of what two deterministic automata both accept. */
  Dfa and(Dfa other) {
    Map<Long, Integer> known = new HashMap<>();
    List<Long> pairs = new ArrayList<>();
    List<int[]> out = new ArrayList<>();
    BitSet accepts = new BitSet();
    known.put(0L, 0);
    pairs.add(0L);
    for (int done = 0; done < pairs.size(); done++) {
      int left = (int) (pairs.get(done) >>> 32);
      int right = (int) (long) pairs.get(done);
      accepts.set(done, accepts(left) && other.accepts(right));
      Ints own = new Ints();
      int[] a = edges[left];
      int[] b = other.edges[right];
      for (int i = 0, j = 0; i < a.length && j < b.length; ) {
        int first = Math.max(a[i], b[j]);
        int last = Math.min(a[i + 1], b[j + 1]);
        if (first <= last) {
          long pair = ((long) a[i + 2] << 32) | b[j + 2];
          Integer id = known.putIfAbsent(pair, pairs.size());
          if (id == null) {
            pairs.add(pair);
          }
          own.add(first, last, known.get(pair));
        }
        if (a[i + 1] < b[j + 1]) {
          i += 3;
        } else {
          j += 3;
        }
      }
      out.add(own.toArray());
      requireFewer(pairs.size());
    }
    return new Dfa(out.toArray(int[][]::new), accepts).trimmed().minimal();
  }

  private static void requireFewer(int states) {
    if (states > MOST_STATES) {
      throw new IllegalArgumentException(
          "the expression needs more than %d states; use smaller bounds".formatted(MOST_STATES));
    }
  }

  /** Returns the automaton of all texts that this deterministic one does not accept. */
  Dfa not() {
    int sink = size();
    int[][] out = new int[sink + 1][];
    BitSet accepts = new BitSet();
    for (int s = 0; s <= sink; s++) {
      Ints own = new Ints();
      int next = 0;
      int[] old = s < sink ? edges[s] : new int[0];
      for (int i = 0; i < old.length; i += 3) {
        fill(own, next, old[i] - 1, sink);
        own.add(old[i], old[i + 1], old[i + 2]);
        next = old[i + 1] + 1;
      }
      fill(own, next, CodePoints.LAST, sink);
      out[s] = own.toArray();
      accepts.set(s, s == sink || !accepting.get(s));
    }
    return new Dfa(out, accepts).trimmed().minimal();
  }

  private static void fill(Ints out, int first, int last, int to) {
    CodePoints gap = first <= last ? CodePoints.of(first, last) : CodePoints.union();
    for (int r = 0; r < gap.count(); r++) {
      out.add(gap.first(r), gap.last(r), to);
    }
  }

  /** Returns the automaton of all texts of a number of code points. */
  static Dfa length(int least, int most) {
    if (least > MOST_STATES || (most != Expr.MANY && most > MOST_STATES)) {
      requireFewer(MOST_STATES + 1);
    }
    int last = most == Expr.MANY ? least : most;
    int[][] out = new int[last + 1][];
    BitSet accepts = new BitSet();
    accepts.set(least, last + 1);
    for (int s = 0; s <= last; s++) {
      Ints own = new Ints();
      int to = s < last ? s + 1 : most == Expr.MANY ? s : -1;
      if (to >= 0) {
        fill(own, 0, CodePoints.LAST, to);
      }
      out[s] = own.toArray();
    }
    return new Dfa(out, accepts);
  }
}
