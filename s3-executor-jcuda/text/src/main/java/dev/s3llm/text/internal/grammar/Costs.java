package dev.s3llm.text.internal.grammar;

import java.util.Arrays;

/**
 * For each state of a program a number of tokens with which its rule can be completed: an upper
 * bound of the least one. It is the length of a shortest way over tokens that do not cross the
 * borders of rules, and so from each state that has one, some token leads to a state with less.
 *
 * <p>Ways through states with many edges use tokens of a single byte alone: searching the whole
 * vocabulary from each state of a string would cost more than it gains. Repetitions of a rule use
 * the token that holds most of them.
 */
final class Costs {
  /** More than any answer has. */
  static final int NEVER = 1 << 28;

  private static final int MOST_BRANCHES = 16;
  private static final int MOST_VISITS = 400;
  private static final int MOST_SWEEPS = 10_000;

  private final Program program;
  private final Trie trie;

  /** Tokens from each state to the end of its rule. */
  private final int[] toEnd;

  /** For each state: the states that one token leads to. */
  private final int[][] jumps;

  /** For each rule: the largest number of its texts that one token holds, one after the other. */
  private final int[] best;

  Costs(Program program, Trie trie) {
    this.program = program;
    this.trie = trie;
    toEnd = new int[program.size()];
    Arrays.fill(toEnd, NEVER);
    jumps = new int[program.size()][];
    for (int s = 0; s < jumps.length; s++) {
      jumps[s] = jumps(s);
    }
    best = new int[program.starts.length];
    Arrays.fill(best, 1);
    for (Program.Call call : program.calls) {
      if (call.least() > 2 && best[call.rule()] == 1) {
        best[call.rule()] = mostInOneToken(call.rule());
      }
    }
    for (int sweep = 0; sweep < MOST_SWEEPS && improve(); sweep++) {}
  }

  private boolean improve() {
    boolean changed = false;
    for (int s = toEnd.length - 1; s >= 0; s--) {
      int cost = program.accepting.get(s) ? 0 : NEVER;
      for (int target : jumps[s]) {
        cost = Math.min(cost, 1 + toEnd[target]);
      }
      int[] calls = program.callEdges[s];
      for (int c = 0; c < calls.length; c += 2) {
        Program.Call call = program.calls.get(calls[c]);
        cost = Math.min(cost, sum(repeats(call.rule(), call.least()), toEnd[calls[c + 1]]));
      }
      if (cost < toEnd[s]) {
        toEnd[s] = cost;
        changed = true;
      }
    }
    return changed;
  }

  static int sum(int a, int b) {
    return Math.min(NEVER, a + b);
  }

  /** Returns a number of tokens from a state to the end of its rule. */
  int toEnd(int state) {
    return toEnd[state];
  }

  /** Returns a number of tokens for some repetitions of a rule that have to be begun. */
  int repeats(int rule, int count) {
    if (count == 0) {
      return 0;
    }
    int one = toEnd[program.starts[rule]];
    int others = count - 1;
    long rest = others / best[rule] + (long) (others % best[rule]) * one;
    if (best[rule] == 1) {
      rest = (long) others * one;
    }
    return (int) Math.min(NEVER, one + rest);
  }

  private int[] jumps(int state) {
    int[] own = program.bytes[state];
    int branches = 0;
    for (int i = 0; i < own.length; i += 3) {
      branches += own[i + 1] - own[i] + 1;
    }
    Ints found = new Ints();
    if (branches > MOST_BRANCHES) {
      for (int i = 0; i < own.length; i += 3) {
        for (int b = own[i]; b <= own[i + 1]; b++) {
          int node = trie.first(b);
          if (node >= 0 && trie.tokens[node] >= 0) {
            found.add(own[i + 2]);
            break;
          }
        }
      }
      if (found.size() > 0) {
        return found.toArray();
      }
    }
    int[] visits = {MOST_VISITS};
    for (int i = 0; i < own.length; i += 3) {
      for (int b = own[i]; b <= own[i + 1]; b++) {
        if (trie.first(b) >= 0) {
          walk(trie.first(b), own[i + 2], found, visits);
        }
      }
    }
    return Arrays.stream(found.toArray()).distinct().toArray();
  }

  private void walk(int node, int state, Ints found, int[] visits) {
    if (trie.tokens[node] >= 0) {
      found.add(state);
    }
    for (int child = node + 1; child < trie.ends[node] && visits[0] > 0; child = trie.ends[child]) {
      int[] own = program.bytes[state];
      int value = trie.labels[child] & 0xFF;
      for (int i = 0; i < own.length; i += 3) {
        if (own[i] <= value && value <= own[i + 1]) {
          visits[0]--;
          walk(child, own[i + 2], found, visits);
        }
      }
    }
  }

  /**
   * Returns the largest number of texts of a rule without calls that one token has; 1 if there is
   * no such token, or the rule is not simple.
   */
  private int mostInOneToken(int rule) {
    int start = program.starts[rule];
    int[] states = new int[trie.longest() + 1];
    int[] counts = new int[trie.longest() + 1];
    states[0] = start;
    int most = 1;
    for (int node = 1; node < trie.labels.length; ) {
      int depth = trie.depths[node];
      int state = states[depth - 1];
      if (program.accepting.get(state) && depth > 1 && program.bytes[state].length == 0) {
        state = start;
      }
      int next = only(state, trie.labels[node] & 0xFF);
      if (next < 0) {
        node = trie.ends[node];
        continue;
      }
      states[depth] = next;
      counts[depth] = counts[depth - 1] + (program.isEnd(next) ? 1 : 0);
      if (trie.tokens[node] >= 0 && program.isEnd(next)) {
        most = Math.max(most, counts[depth]);
      }
      node++;
    }
    return most;
  }

  private int only(int state, int value) {
    int[] own = program.bytes[state];
    for (int i = 0; i < own.length; i += 3) {
      if (own[i] <= value && value <= own[i + 1]) {
        return own[i + 2];
      }
    }
    return -1;
  }
}
