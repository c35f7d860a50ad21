package dev.s3llm.text.internal.grammar;

/** Splits ranges of code points into ranges of bytes. */
final class Utf8 {
  private static final int[] LARGEST = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};

  private Utf8() {}

  /** Adds edges for the code points of a range, which has no surrogates. */
  static void add(Nfa nfa, int from, int first, int last, int to) {
    int start = first;
    for (int largest : LARGEST) {
      if (start <= last && start <= largest) {
        addSameLength(nfa, from, start, Math.min(last, largest), to);
        start = largest + 1;
      }
    }
  }

  private static void addSameLength(Nfa nfa, int from, int first, int last, int to) {
    if (last <= LARGEST[0]) {
      nfa.edge(from, first, last, to);
      return;
    }
    int length = last <= LARGEST[1] ? 2 : last <= LARGEST[2] ? 3 : 4;
    for (int tail = 1; tail < length; tail++) {
      int mask = (1 << (6 * tail)) - 1;
      if ((first & ~mask) != (last & ~mask)) {
        if ((first & mask) != 0) {
          addSameLength(nfa, from, first, first | mask, to);
          addSameLength(nfa, from, (first | mask) + 1, last, to);
          return;
        }
        if ((last & mask) != mask) {
          addSameLength(nfa, from, first, (last & ~mask) - 1, to);
          addSameLength(nfa, from, last & ~mask, last, to);
          return;
        }
      }
    }
    int state = from;
    for (int i = 0; i < length; i++) {
      int next = i == length - 1 ? to : nfa.newState();
      nfa.edge(state, unit(first, i, length), unit(last, i, length), next);
      state = next;
    }
  }

  private static int unit(int c, int index, int length) {
    int bits = c >>> (6 * (length - 1 - index));
    if (index > 0) {
      return 0x80 | (bits & 0x3F);
    }
    return ((0xFF << (8 - length)) & 0xFF) | bits;
  }
}
