package dev.s3llm.engine.prefix;

import java.util.Arrays;

/**
 * Sums of what was observed for each combination of {@link Traits} that occurs, a row: returns, and
 * seconds without a return, by bin of age. Old observations fade. Not thread-safe.
 */
final class ReturnCounts {
  /**
   * Share of the observations that remains when another {@link #FADE_EVERY} units have returned.
   */
  private static final double RETAIN = 0.98;

  private static final double FADE_EVERY = 10_000;

  /** Most rows; further combinations count without their traits but {@link Traits#SEEN}. */
  private static final int MOST_ROWS = 4096;

  private static final int LEAST_ROOM = 64;
  private static final int MIX = 0x9E3779B9;

  private int[] traits = new int[LEAST_ROOM];
  private double[][] returns = new double[LEAST_ROOM][];
  private double[][] seconds = new double[LEAST_ROOM][];
  private int size;

  /** Row numbers plus 1 by combination; open addressing. */
  private int[] table = new int[2 * LEAST_ROOM];

  private double returnsSeen;
  private double unitsSinceFade;

  /** Creates sums of nothing. */
  ReturnCounts() {
    for (int level = 0; level <= Traits.HOT; level++) {
      row(Traits.with(0, Traits.SEEN, level));
    }
  }

  /** Returns the number of rows. */
  int rows() {
    return size;
  }

  /** Returns the combination of a row. */
  int traits(int row) {
    return traits[row];
  }

  /** Returns the returns of a row by bin, in units of 512 tokens. */
  double[] returns(int row) {
    return returns[row];
  }

  /** Returns the seconds without a return of a row by bin, times units of 512 tokens. */
  double[] seconds(int row) {
    return seconds[row];
  }

  /** Returns how much has ever returned, in units of 512 tokens; hot blocks do not count. */
  double returnsSeen() {
    return returnsSeen;
  }

  /** Returns the row of a combination, which is added if it is new. */
  int row(int combination) {
    int slot = slot(combination);
    if (table[slot] != 0) {
      return table[slot] - 1;
    }
    if (size == MOST_ROWS) {
      return row(Traits.with(0, Traits.SEEN, Traits.level(combination, Traits.SEEN)));
    }
    if (size == traits.length) {
      grow();
      slot = slot(combination);
    }
    traits[size] = combination;
    returns[size] = new double[Ages.BINS];
    seconds[size] = new double[Ages.BINS];
    table[slot] = size + 1;
    return size++;
  }

  /** Returns the place of a combination in the table, or the empty place where it belongs. */
  private int slot(int combination) {
    int mask = table.length - 1;
    int slot = ((combination * MIX) >>> 8) & mask;
    while (table[slot] != 0 && traits[table[slot] - 1] != combination) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    int room = 2 * size;
    traits = Arrays.copyOf(traits, room);
    returns = Arrays.copyOf(returns, room);
    seconds = Arrays.copyOf(seconds, room);
    table = new int[2 * room];
    for (int row = 0; row < size; row++) {
      table[slot(traits[row])] = row + 1;
    }
  }

  /**
   * Observes a return.
   *
   * @param row the row of its traits
   * @param units tokens that the observation stands for, in units of 512
   * @param ageNanos time since the last use, in nanoseconds, 0 or more
   */
  void returned(int row, double units, long ageNanos) {
    int bin = Ages.bin(ageNanos);
    returns[row][bin] += units;
    seconds[row][bin] += units * Ages.secondsIn(bin, ageNanos);
    if (Traits.level(traits[row], Traits.SEEN) != Traits.HOT) {
      returnsSeen += units;
    }
    unitsSinceFade += units;
  }

  /**
   * Observes that a bin passed without a return.
   *
   * @param row the row of its traits
   * @param units tokens that the observation stands for, in units of 512
   * @param bin the bin
   */
  void stayedAway(int row, double units, int bin) {
    seconds[row][bin] += units * Ages.seconds(bin);
  }

  /** Reduces the weight of old observations, if enough new ones have come. */
  void fade() {
    while (unitsSinceFade >= FADE_EVERY) {
      unitsSinceFade -= FADE_EVERY;
      for (int row = 0; row < size; row++) {
        for (int bin = 0; bin < Ages.BINS; bin++) {
          returns[row][bin] *= RETAIN;
          seconds[row][bin] *= RETAIN;
        }
      }
    }
  }
}
