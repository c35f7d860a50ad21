package dev.s3llm.cpu;

/** Half-precision numbers as kernels decode them. */
final class Halves {
  /** Sign, exponent and fraction of a half that was moved right by three in a single. */
  static final int MASK = 0x8FFFE000;

  /** The ratio of a single's exponent bias to that of a half. */
  static final float BIAS = 0x1p112f;

  private Halves() {}

  /**
   * Returns the half in the low 16 bits of a word. The half's bits move to those of a single; a
   * product with a power of two then corrects the exponent, also that of subnormal numbers. Wrong
   * for an infinity and for a NaN, which no matrix holds.
   */
  static float toFloat(int word) {
    return Float.intBitsToFloat(word << 16 >> 3 & MASK) * BIAS;
  }

  /** Returns whether the half in the low 16 bits of a word is neither an infinity nor a NaN. */
  static boolean isFinite(int word) {
    return (word & 0x7C00) != 0x7C00;
  }
}
