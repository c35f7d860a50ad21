package dev.s3llm.text.internal.grammar;

import java.util.Arrays;
import java.util.function.IntBinaryOperator;

/** The smallest and largest numbers of bytes of the texts of a grammar. */
final class Bounds {
  private static final int MOST_SWEEPS = 10_000;

  private final Program program;
  private final int shortest;
  private final int longest;

  Bounds(Program program) {
    this.program = program;
    int[] least = new int[program.size()];
    Arrays.fill(least, Integer.MAX_VALUE);
    shortest = Math.min(1 << 30, settle(least, Math::min, true));
    int[] most = new int[program.size()];
    Arrays.fill(most, -1); // no end is reached yet
    longest = settle(most, Math::max, false);
  }

  int shortest() {
    return shortest;
  }

  /** Returns the largest number of bytes; {@link Integer#MAX_VALUE} if there is none. */
  int longest() {
    return longest;
  }

  /** Improves the values of all states until none changes; loops grow until they are cut off. */
  private int settle(int[] values, IntBinaryOperator better, boolean shrinks) {
    int unknown = shrinks ? Integer.MAX_VALUE : -1;
    int sweeps = shrinks ? MOST_SWEEPS : Math.min(MOST_SWEEPS, program.size() + 2);
    boolean changed = true;
    for (int sweep = 0; changed && sweep < sweeps; sweep++) {
      changed = false;
      for (int s = values.length - 1; s >= 0; s--) {
        int known = values[s];
        int value =
            program.accepting.get(s) ? better.applyAsInt(known == unknown ? 0 : known, 0) : known;
        value = bytes(s, value, values, unknown, better);
        value = calls(s, value, values, unknown, better, shrinks);
        changed |= value != values[s];
        values[s] = value;
      }
    }
    int result = values[program.starts[0]];
    return !shrinks && changed ? Integer.MAX_VALUE : result == unknown ? 0 : result;
  }

  private int bytes(int state, int before, int[] values, int unknown, IntBinaryOperator better) {
    int value = before;
    int[] own = program.bytes[state];
    for (int i = 2; i < own.length; i += 3) {
      int target = values[own[i]];
      if (target != unknown) {
        int found = plus(1, target);
        value = value == unknown ? found : better.applyAsInt(value, found);
      }
    }
    return value;
  }

  private int calls(
      int state, int before, int[] values, int unknown, IntBinaryOperator better, boolean shrinks) {
    int value = before;
    int[] own = program.callEdges[state];
    for (int i = 0; i < own.length; i += 2) {
      Program.Call call = program.calls.get(own[i]);
      int inner = values[program.starts[call.rule()]];
      int target = values[own[i + 1]];
      if (target != unknown && inner != unknown) {
        int times = shrinks ? call.least() : call.most();
        int found = plus(times(times, inner), target);
        value = value == unknown ? found : better.applyAsInt(value, found);
      }
    }
    return value;
  }

  private static int plus(int a, int b) {
    return (int) Math.min(Integer.MAX_VALUE, (long) a + b);
  }

  private static int times(int a, int b) {
    return b == 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, (long) a * b);
  }
}
