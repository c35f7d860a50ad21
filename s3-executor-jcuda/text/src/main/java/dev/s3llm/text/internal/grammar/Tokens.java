package dev.s3llm.text.internal.grammar;

import java.util.Arrays;

/** A set of tokens: their ids if they are few, otherwise one bit for each token. Immutable. */
final class Tokens {
  private final int[] few;
  private final long[] bits;

  private Tokens(int[] few, long[] bits) {
    this.few = few;
    this.bits = bits;
  }

  static Tokens of(Ints tokens, int words) {
    if (tokens.size() < words) {
      return new Tokens(tokens.toArray(), new long[0]);
    }
    long[] bits = new long[words];
    for (int i = 0; i < tokens.size(); i++) {
      bits[tokens.get(i) >>> 6] |= 1L << tokens.get(i);
    }
    return new Tokens(new int[0], bits);
  }

  void addTo(long[] mask) {
    for (int token : few) {
      mask[token >>> 6] |= 1L << token;
    }
    for (int i = 0; i < bits.length; i++) {
      mask[i] |= bits[i];
    }
  }

  long bytes() {
    return 64 + 4L * few.length + 8L * bits.length;
  }

  @Override
  public String toString() {
    return few.length > 0 ? Arrays.toString(few) : bits.length + " words";
  }
}
