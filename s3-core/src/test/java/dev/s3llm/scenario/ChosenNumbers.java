package dev.s3llm.scenario;

import java.util.Random;

/**
 * A source of numbers for a fuzzer: each small choice uses one byte of its input, so that a changed
 * byte changes one decision. After the last byte, a seeded generator continues.
 */
final class ChosenNumbers extends Random {
  private static final long serialVersionUID = 1L;

  private final byte[] choices;
  private int next;

  ChosenNumbers(byte[] choices) {
    super(0);
    this.choices = choices.clone();
  }

  /** Returns whether bytes are left. */
  boolean left() {
    return next < choices.length;
  }

  @Override
  public int nextInt(int bound) {
    if (bound <= 0) {
      throw new IllegalArgumentException("bound must be positive, but is " + bound);
    }
    if (!left()) {
      return super.nextInt(bound);
    }
    int drawn = bound <= 256 ? choice() : choice() << 8 | choice();
    return drawn % bound;
  }

  @Override
  protected int next(int bits) {
    if (choices == null || !left()) { // the constructor of the superclass draws, too
      return super.next(bits);
    }
    return choice() << 24 >>> (32 - bits);
  }

  private int choice() {
    return left() ? choices[next++] & 0xFF : 0;
  }
}
