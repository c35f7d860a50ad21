package dev.s3llm.model;

/** Floats of 8 bits, e4m3: four bits of exponent and three of mantissa, without infinities. */
final class Float8 {
  /** The largest number. */
  static final float MOST = 448;

  /** Bits of mantissa, and the exponent of the smallest normal number. */
  private static final int MANTISSA = 3;

  private static final int LEAST = -6;

  private Float8() {}

  /** Returns the nearest number, at most {@link #MOST} in magnitude; a NaN stays one. */
  static float nearest(float value) {
    int exponent = Math.max(LEAST, Math.getExponent(value));
    float step = Math.scalb(1f, exponent - MANTISSA);
    float rounded = (float) Math.rint(value / step) * step;
    return Math.max(-MOST, Math.min(MOST, rounded));
  }
}
