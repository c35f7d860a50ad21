package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Finds the states of a deterministic automaton that accept the same texts, by splitting classes of
 * states until all states of a class lead to the same classes. After a class was split, the largest
 * part keeps its number, and only states that lead to the other parts are looked at again. So a
 * state is renumbered at most a logarithmic number of times (Hopcroft, 1971), and a long chain
 * takes a time in proportion to its length. Used once.
 */
final class Minimizer {
  private final Dfa automaton;
  private final int[] classes;
  private final List<Integer> sizes = new ArrayList<>();

  /** States with an edge to a state: those of state s begin at {@code starts[s]}. */
  private final int[] sources;

  private final int[] starts;

  Minimizer(Dfa automaton) {
    this.automaton = automaton;
    this.classes = new int[automaton.size()];
    this.starts = new int[automaton.size() + 1];
    this.sources = invert();
  }

  private int[] invert() {
    for (int s = 0; s < automaton.size(); s++) {
      int[] own = automaton.edges(s);
      for (int i = 2; i < own.length; i += 3) {
        starts[own[i] + 1]++;
      }
    }
    for (int s = 0; s < automaton.size(); s++) {
      starts[s + 1] += starts[s];
    }
    int[] next = starts.clone();
    int[] all = new int[starts[automaton.size()]];
    for (int s = 0; s < automaton.size(); s++) {
      int[] own = automaton.edges(s);
      for (int i = 2; i < own.length; i += 3) {
        all[next[own[i]]++] = s;
      }
    }
    return all;
  }

  /** Returns the class of each state; classes are numbered by their first states. */
  int[] run() {
    int accepting = 0;
    for (int s = 0; s < classes.length; s++) {
      classes[s] = automaton.accepts(s) ? 1 : 0;
      accepting += classes[s];
    }
    sizes.add(classes.length - accepting);
    sizes.add(accepting);
    BitSet open = new BitSet();
    open.set(0, classes.length);
    while (!open.isEmpty()) {
      open = split(open);
    }
    return numbered();
  }

  /**
   * Splits the classes of some states. The other states of these classes lead where they led, and
   * none of them as one of these states does.
   *
   * @return the states that lead to a state with a new class
   */
  private BitSet split(BitSet open) {
    Map<Integer, Map<Ints.Key, Ints>> groups = new LinkedHashMap<>();
    for (int s = open.nextSetBit(0); s >= 0; s = open.nextSetBit(s + 1)) {
      groups
          .computeIfAbsent(classes[s], unused -> new LinkedHashMap<>())
          .computeIfAbsent(signature(s), unused -> new Ints())
          .add(s);
    }
    BitSet changed = new BitSet();
    groups.forEach((number, parts) -> split(number, new ArrayList<>(parts.values()), changed));
    BitSet next = new BitSet();
    for (int s = changed.nextSetBit(0); s >= 0; s = changed.nextSetBit(s + 1)) {
      for (int i = starts[s]; i < starts[s + 1]; i++) {
        next.set(sources[i]);
      }
    }
    return next;
  }

  private void split(int number, List<Ints> parts, BitSet changed) {
    int rest = sizes.get(number);
    int largest = 0;
    for (Ints part : parts) {
      rest -= part.size();
      largest = Math.max(largest, part.size());
    }
    boolean kept = rest >= largest; // then the states that were not looked at keep the number
    for (Ints part : parts) {
      if (!kept && part.size() == largest) {
        kept = true;
        if (rest > 0) {
          moveRest(number, parts, changed);
        }
        continue;
      }
      move(part, changed);
    }
  }

  private void move(Ints states, BitSet changed) {
    int number = sizes.size();
    sizes.add(states.size());
    for (int i = 0; i < states.size(); i++) {
      int state = states.get(i);
      sizes.set(classes[state], sizes.get(classes[state]) - 1);
      classes[state] = number;
      changed.set(state);
    }
  }

  /** Moves the states of a class that are in none of the parts. */
  private void moveRest(int number, List<Ints> parts, BitSet changed) {
    BitSet looked = new BitSet();
    for (Ints part : parts) {
      for (int i = 0; i < part.size(); i++) {
        looked.set(part.get(i));
      }
    }
    Ints others = new Ints();
    for (int s = 0; s < classes.length; s++) {
      if (classes[s] == number && !looked.get(s)) {
        others.add(s);
      }
    }
    move(others, changed);
  }

  private Ints.Key signature(int state) {
    Ints key = new Ints();
    automaton.merged(state, classes, key);
    return new Ints.Key(key.toArray());
  }

  private int[] numbered() {
    Map<Integer, Integer> numbers = new HashMap<>();
    int[] result = new int[classes.length];
    for (int s = 0; s < classes.length; s++) {
      Integer known = numbers.putIfAbsent(classes[s], numbers.size());
      result[s] = known == null ? numbers.size() - 1 : known;
    }
    return result;
  }
}
