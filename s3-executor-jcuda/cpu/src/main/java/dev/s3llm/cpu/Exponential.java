package dev.s3llm.cpu;

/**
 * The exponential function in single precision: {@code exp(x) = 2^n exp(r)} with {@code n} the
 * whole number nearest to {@code x / ln 2}, and {@code exp(r)} by its Taylor polynomial of degree
 * 7. With {@code |r| <= ln 2 / 2} the polynomial's error is 5e-9, less than a tenth of the last
 * place.
 */
final class Exponential {
  static final float LOG2_E = (float) (1 / Math.log(2));

  /** Added to a float, it leaves the nearest whole number in the low bits. */
  static final float ROUND = 0x1.8p23f;

  /** The upper bits of ln 2: its product with a whole number below 2^9 is exact. */
  static final float LN2_HIGH = 0x1.62e4p-1f;

  static final float LN2_LOW = (float) (Math.log(2) - 0x1.62e4p-1);

  static final float C2 = 1 / 2f;
  static final float C3 = 1 / 6f;
  static final float C4 = 1 / 24f;
  static final float C5 = 1 / 120f;
  static final float C6 = 1 / 720f;
  static final float C7 = 1 / 5040f;

  private Exponential() {}

  /** Returns the exponential of a value between {@link Arithmetic#LEAST} and the largest. */
  static float exp(float value) {
    float x = Math.min(Math.max(value, Arithmetic.LEAST), Arithmetic.LARGEST);
    float rounded = x * LOG2_E + ROUND;
    float n = rounded - ROUND;
    float r = x - n * LN2_HIGH - n * LN2_LOW;
    float high = C4 + r * (C5 + r * (C6 + r * C7));
    float p = 1 + (r + r * r * (C2 + r * (C3 + r * high)));
    return Float.intBitsToFloat(
        Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(rounded) << 23));
  }

  /** As {@link #exp}, with fused products: bitwise what vectors of them give. */
  static float fused(float value) {
    float x = Math.min(Math.max(value, Arithmetic.LEAST), Arithmetic.LARGEST);
    float rounded = Math.fma(x, LOG2_E, ROUND);
    float n = rounded - ROUND;
    float r = Math.fma(n, -LN2_LOW, Math.fma(n, -LN2_HIGH, x));
    float p = Math.fma(r, C7, C6);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r, 1f);
    p = Math.fma(p, r, 1f);
    return Float.intBitsToFloat(
        Float.floatToRawIntBits(p) + (Float.floatToRawIntBits(rounded) << 23));
  }
}
