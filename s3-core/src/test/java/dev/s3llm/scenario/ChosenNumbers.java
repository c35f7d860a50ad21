package dev.s3llm.scenario;

import java.util.Random;

/**
 * Random numbers that are no such thing: bytes say what comes, one for each small choice, so that a
 * fuzzer that changes a byte changes a decision. When they are used up a seeded generator goes on.
 */
final class ChosenNumbers extends Random {
  private static final long serialVersionUID = 1L;

  private final byte[] choices;
  private int next;

  ChosenNumbers(byte[] choices) {
    super(0);
    this.choices = choices.clone();
  }

  /** Whether the bytes are not used up. */
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
    if (choices == null || !left()) { // the constructor of the class above draws, too
      return super.next(bits);
    }
    return choice() << 24 >>> (32 - bits);
  }

  private int choice() {
    return left() ? choices[next++] & 0xFF : 0;
  }
}
