package dev.s3llm.text.internal.grammar;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A pushdown automaton over bytes: one finite automaton for each rule, with edges for bytes and for
 * calls of rules. A call has a least and a largest number of repetitions, which a frame of the
 * stack counts, so that long texts with limits need few states. Independent of a vocabulary.
 * Immutable.
 */
public final class Program {
  /** The largest number of states of a grammar. */
  static final int MOST_STATES = 400_000;

  /** Symbols from here on are calls. */
  static final int CALLS = 256;

  /**
   * A call of a rule.
   *
   * @param rule number of the rule
   * @param least smallest number of repetitions, 0 or more
   * @param most largest number of repetitions, 1 or more
   */
  record Call(int rule, int least, int most) {}

  final List<Call> calls;

  /** First states of the rules; rule 0 is the grammar. */
  final int[] starts;

  /** For each state: first and last byte and target, by first byte. */
  final int[][] bytes;

  /** For each state: a call and the state after it. */
  final int[][] callEdges;

  final BitSet accepting;
  final String[] names;
  final boolean[] nullable;

  /** The class of each byte: bytes of a class have the same targets in every state. */
  final byte[] classes = new byte[256];

  final int classCount;

  private Program(Builder builder) {
    calls = List.copyOf(builder.calls);
    starts = builder.starts;
    names = builder.names;
    nullable = builder.nullable;
    bytes = builder.bytes.toArray(int[][]::new);
    callEdges = builder.callEdges.toArray(int[][]::new);
    accepting = builder.accepting;
    classCount = classify();
  }

  private int classify() {
    BitSet borders = new BitSet(257);
    for (int[] own : bytes) {
      for (int i = 0; i < own.length; i += 3) {
        borders.set(own[i]);
        borders.set(own[i + 1] + 1);
      }
    }
    int current = 0;
    for (int b = 1; b < 256; b++) {
      current += borders.get(b) ? 1 : 0;
      classes[b] = (byte) current;
    }
    return current + 1;
  }

  int size() {
    return bytes.length;
  }

  /** Returns whether a state accepts and has no edge, so that nothing but a return is left. */
  boolean isEnd(int state) {
    return accepting.get(state) && bytes[state].length == 0 && callEdges[state].length == 0;
  }

  boolean isNullable(Call call) {
    return call.least == 0 || nullable[call.rule];
  }

  /** Collects the automata of the rules. */
  static final class Builder {
    private final List<Call> calls;
    private final int[] starts;
    private final String[] names;
    private final boolean[] nullable;
    private final List<int[]> bytes = new ArrayList<>();
    private final List<int[]> callEdges = new ArrayList<>();
    private final BitSet accepting = new BitSet();

    Builder(List<Call> calls, String[] names, boolean[] nullable) {
      this.calls = calls;
      this.names = names;
      this.nullable = nullable;
      this.starts = new int[names.length];
    }

    void add(int rule, Dfa automaton) {
      int base = bytes.size();
      starts[rule] = base;
      if (base + automaton.size() > MOST_STATES) {
        throw new IllegalArgumentException(
            "the grammar needs more than %d states; use fewer rules or smaller bounds"
                .formatted(MOST_STATES));
      }
      for (int s = 0; s < automaton.size(); s++) {
        int[] own = automaton.edges(s);
        Ints byteEdges = new Ints();
        Ints ownCalls = new Ints();
        for (int i = 0; i < own.length; i += 3) {
          if (own[i] < CALLS) {
            byteEdges.add(own[i], own[i + 1], base + own[i + 2]);
          }
          for (int call = Math.max(own[i], CALLS); call <= own[i + 1]; call++) {
            ownCalls.add(call - CALLS);
            ownCalls.add(base + own[i + 2]);
          }
        }
        bytes.add(byteEdges.toArray());
        callEdges.add(ownCalls.toArray());
        accepting.set(base + s, automaton.accepts(s));
      }
    }

    Program build() {
      return new Program(this);
    }
  }
}
