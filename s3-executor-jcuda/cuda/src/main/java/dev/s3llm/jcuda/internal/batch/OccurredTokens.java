package dev.s3llm.jcuda.internal.batch;

import dev.s3llm.execute.SequenceStep;
import java.util.Arrays;

/**
 * The distinct tokens of a sequence, with the number of times that each occurred in its output.
 * Counts each token once: a later step adds the tokens that came since.
 */
final class OccurredTokens {
  private static final int FIRST_CAPACITY = 64;
  private static final int MULTIPLIER = 0x9E3779B9;

  /** Distinct tokens in the order of their first occurrence, and how often the output has each. */
  private int[] tokens = new int[FIRST_CAPACITY];

  private int[] occurrences = new int[FIRST_CAPACITY];
  private int size;

  /** Open addressing: a place in {@link #tokens} plus 1, or 0; four times their capacity. */
  private int[] table = new int[4 * FIRST_CAPACITY];

  private final int from;
  private int counted;

  /**
   * Creates the tokens of a sequence, none of which is counted yet.
   *
   * @param from first position to count, 0 or more
   */
  OccurredTokens(int from) {
    this.from = from;
    this.counted = from;
  }

  /** Returns the first position that counts. */
  int from() {
    return from;
  }

  /**
   * Counts the tokens that are new since the last call.
   *
   * @param sequence the sequence, the same in each call
   * @param length number of its known tokens
   * @param vocabulary number of tokens of the model; other ids are left out
   */
  void count(SequenceStep sequence, int length, int vocabulary) {
    int prompt = sequence.promptTokens();
    for (; counted < length; counted++) {
      int token = sequence.token(counted);
      if (token >= 0 && token < vocabulary) {
        int place = place(token); // may replace the arrays
        occurrences[place] += counted < prompt ? 0 : 1;
      }
    }
  }

  private int place(int token) {
    int slot = slot(token);
    if (table[slot] != 0) {
      return table[slot] - 1;
    }
    if (size == tokens.length) {
      grow();
      slot = slot(token);
    }
    tokens[size] = token;
    table[slot] = ++size;
    return size - 1;
  }

  private int slot(int token) {
    int mask = table.length - 1;
    int slot = (token * MULTIPLIER) >>> Integer.numberOfLeadingZeros(mask);
    while (table[slot] != 0 && tokens[table[slot] - 1] != token) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    tokens = Arrays.copyOf(tokens, 2 * size);
    occurrences = Arrays.copyOf(occurrences, 2 * size);
    table = new int[8 * size];
    for (int i = 0; i < size; i++) {
      table[slot(tokens[i])] = i + 1;
    }
  }

  /** Returns the number of distinct tokens. */
  int size() {
    return size;
  }

  /** Returns the i-th distinct token. */
  int token(int i) {
    return tokens[i];
  }

  /** Returns how often the i-th distinct token occurred in the output. */
  int occurrences(int i) {
    return occurrences[i];
  }
}
