package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A nondeterministic automaton over numbers (code points, or bytes and calls), which is being
 * built. State 0 is the start. Not thread-safe.
 */
final class Nfa {
  private static final int MOST_STATES = 20_000;

  /** For each state: first and last symbol and target of its edges. */
  private final List<Ints> edges = new ArrayList<>();

  private final List<Ints> empties = new ArrayList<>();
  private final BitSet accepting = new BitSet();

  Nfa() {
    newState();
  }

  int newState() {
    edges.add(new Ints());
    empties.add(new Ints());
    return edges.size() - 1;
  }

  int size() {
    return edges.size();
  }

  void edge(int from, int first, int last, int to) {
    edges.get(from).add(first, last, to);
  }

  void empty(int from, int to) {
    empties.get(from).add(to);
  }

  void accept(int state) {
    accepting.set(state);
  }

  /**
   * Returns an equal deterministic automaton with as few states as possible.
   *
   * @param most the largest number of states while it is made
   * @return the automaton; null if there would be more states
   */
  @Nullable Dfa toDfa(int most) {
    Map<Ints.Key, Integer> known = new HashMap<>();
    List<int[]> sets = new ArrayList<>();
    List<int[]> out = new ArrayList<>();
    BitSet accepts = new BitSet();
    add(closure(new int[] {0}), known, sets, accepts);
    for (int done = 0; done < sets.size(); done++) {
      if (sets.size() > most) {
        return null;
      }
      out.add(edgesOf(sets.get(done), known, sets, accepts));
    }
    return new Dfa(out.toArray(int[][]::new), accepts).trimmed().minimal();
  }

  /**
   * Returns an equal deterministic automaton with as few states as possible.
   *
   * @throws IllegalArgumentException if it needs too many states
   */
  Dfa toDfa() {
    Dfa automaton = toDfa(MOST_STATES);
    if (automaton == null) {
      throw new IllegalArgumentException(
          "the expression needs more than %d states; use smaller bounds".formatted(MOST_STATES));
    }
    return automaton;
  }

  private int add(int[] set, Map<Ints.Key, Integer> known, List<int[]> sets, BitSet accepts) {
    Ints.Key key = new Ints.Key(set);
    Integer id = known.get(key);
    if (id == null) {
      id = sets.size();
      known.put(key, id);
      sets.add(set);
      if (Arrays.stream(set).anyMatch(accepting::get)) {
        accepts.set(id);
      }
    }
    return id;
  }

  private int[] edgesOf(int[] set, Map<Ints.Key, Integer> known, List<int[]> sets, BitSet accepts) {
    TreeSet<Integer> borders = new TreeSet<>();
    for (int state : set) {
      Ints own = edges.get(state);
      for (int i = 0; i < own.size(); i += 3) {
        borders.add(own.get(i));
        borders.add(own.get(i + 1) + 1);
      }
    }
    Ints result = new Ints();
    Integer[] points = borders.toArray(Integer[]::new);
    for (int p = 0; p + 1 < points.length; p++) {
      int[] targets = targets(set, points[p]);
      if (targets.length > 0) {
        result.add(points[p], points[p + 1] - 1, add(closure(targets), known, sets, accepts));
      }
    }
    return result.toArray();
  }

  private int[] targets(int[] set, int symbol) {
    Ints targets = new Ints();
    for (int state : set) {
      Ints own = edges.get(state);
      for (int i = 0; i < own.size(); i += 3) {
        if (own.get(i) <= symbol && symbol <= own.get(i + 1)) {
          targets.add(own.get(i + 2));
        }
      }
    }
    return targets.toArray();
  }

  private int[] closure(int[] states) {
    BitSet seen = new BitSet();
    Ints open = new Ints();
    for (int state : states) {
      if (!seen.get(state)) {
        seen.set(state);
        open.add(state);
      }
    }
    for (int i = 0; i < open.size(); i++) {
      Ints next = empties.get(open.get(i));
      for (int j = 0; j < next.size(); j++) {
        if (!seen.get(next.get(j))) {
          seen.set(next.get(j));
          open.add(next.get(j));
        }
      }
    }
    return seen.stream().filter(s -> edges.get(s).size() > 0 || accepting.get(s)).toArray();
  }

  /** Returns an equal automaton without empty edges, which need not be deterministic. */
  Dfa withoutEmpties() {
    int[][] out = new int[size()][];
    BitSet accepts = new BitSet();
    for (int state = 0; state < size(); state++) {
      Ints all = new Ints();
      for (int other : closure(new int[] {state})) {
        Ints own = edges.get(other);
        for (int i = 0; i < own.size(); i++) {
          all.add(own.get(i));
        }
        if (accepting.get(other)) {
          accepts.set(state);
        }
      }
      out[state] = all.toArray();
    }
    return new Dfa(out, accepts).trimmed();
  }
}
