package dev.s3llm.text.internal.grammar;

import java.util.Arrays;

/** The smallest and largest numbers of bytes of the texts of a grammar. */
final class Bounds {
  private static final int MOST_SWEEPS = 10_000;
  private static final int DEAD = Integer.MAX_VALUE;

  private final Program program;

  /** For each state: the least number of bytes to the end of its rule; {@link #DEAD} for none. */
  private final int[] least;

  private final int longest;

  Bounds(Program program) {
    this.program = program;
    this.least = new int[program.size()];
    Arrays.fill(least, DEAD);
    for (int sweep = 0; sweep < MOST_SWEEPS && improve(); sweep++) {}
    this.longest = least[program.starts[0]] == DEAD ? 0 : new Longest().run(program.starts[0]);
  }

  int shortest() {
    int bytes = least[program.starts[0]];
    return bytes == DEAD ? 0 : Math.min(1 << 30, bytes);
  }

  /** Returns the largest number of bytes; {@link Integer#MAX_VALUE} if there is none. */
  int longest() {
    return longest;
  }

  private boolean improve() {
    boolean changed = false;
    for (int s = least.length - 1; s >= 0; s--) {
      int value = program.accepting.get(s) ? 0 : least[s];
      int[] own = program.bytes[s];
      for (int i = 2; i < own.length; i += 3) {
        value = Math.min(value, plus(1, least[own[i]]));
      }
      int[] calls = program.callEdges[s];
      for (int i = 0; i < calls.length; i += 2) {
        Program.Call call = program.calls.get(calls[i]);
        int inner = least[program.starts[call.rule()]];
        if (inner != DEAD) {
          value = Math.min(value, plus(times(call.least(), inner), least[calls[i + 1]]));
        }
      }
      changed |= value != least[s];
      least[s] = value;
    }
    return changed;
  }

  private static int plus(int a, int b) {
    return (int) Math.min(Integer.MAX_VALUE, (long) a + b);
  }

  private static int times(int a, int b) {
    return b == 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, (long) a * b);
  }

  /**
   * Follows all ways from a state, through called rules too, each state once. A way that comes back
   * to a state that it has not left may go round again, so there is no longest text.
   */
  private final class Longest {
    private static final int UNSEEN = -2;
    private static final int OPEN = -1;

    private final int[] most = new int[program.size()];
    private final Ints path = new Ints();

    /** For each state of the path: how many states after it were followed. */
    private final int[] followed = new int[program.size()];

    int run(int start) {
      Arrays.fill(most, UNSEEN);
      most[start] = OPEN;
      path.add(start);
      while (path.size() > 0) {
        int state = path.get(path.size() - 1);
        int next = next(state);
        if (next < 0) {
          most[state] = value(state);
          path.removeLast();
        } else if (most[next] == OPEN) {
          return Integer.MAX_VALUE;
        } else if (most[next] == UNSEEN) {
          most[next] = OPEN;
          path.add(next);
        }
      }
      return most[start];
    }

    /** Returns the next state that the value of a state depends on; -1 if there is no further. */
    private int next(int state) {
      int[] own = program.bytes[state];
      int[] calls = program.callEdges[state];
      while (true) {
        int i = followed[state]++;
        if (i < own.length / 3) {
          int target = own[3 * i + 2];
          if (least[target] != DEAD) {
            return target;
          }
          continue;
        }
        int c = i - own.length / 3;
        if (c >= calls.length) {
          return -1;
        }
        int rule = program.starts[program.calls.get(calls[c & ~1]).rule()];
        int target = calls[c | 1];
        if (least[rule] != DEAD && least[target] != DEAD) {
          return (c & 1) == 0 ? rule : target;
        }
      }
    }

    private int value(int state) {
      int value = 0;
      int[] own = program.bytes[state];
      for (int i = 2; i < own.length; i += 3) {
        if (least[own[i]] != DEAD) {
          value = Math.max(value, plus(1, most[own[i]]));
        }
      }
      int[] calls = program.callEdges[state];
      for (int i = 0; i < calls.length; i += 2) {
        Program.Call call = program.calls.get(calls[i]);
        int rule = program.starts[call.rule()];
        if (least[rule] != DEAD && least[calls[i + 1]] != DEAD) {
          value = Math.max(value, plus(times(call.most(), most[rule]), most[calls[i + 1]]));
        }
      }
      return value;
    }
  }
}
