package dev.s3llm.model;

/** Converts between {@code float} and IEEE 754 half precision; Java 17 has no such conversion. */
public final class HalfFloats {
  private static final int SIGN = 0x8000;
  private static final int EXPONENT = 0x7C00;
  private static final int MANTISSA = 0x03FF;

  private HalfFloats() {}

  /**
   * Converts a half to a float. Exact.
   *
   * @param half the bits of a half
   * @return its value; infinities and NaN stay what they are
   */
  public static float fromHalf(short half) {
    int exponent = half & EXPONENT;
    int mantissa = half & MANTISSA;
    float magnitude;
    if (exponent == 0) {
      magnitude = mantissa * 0x1p-24f; // zero and subnormals
    } else if (exponent == EXPONENT) {
      magnitude = mantissa == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else {
      magnitude = Float.intBitsToFloat(((exponent >> 10) + 112) << 23 | mantissa << 13);
    }
    return (half & SIGN) == 0 ? magnitude : -magnitude;
  }

  /**
   * Converts a float to the nearest half, ties to even.
   *
   * @param value any float; from 65,520 on the result is infinite
   * @return the bits of the half
   */
  public static short toHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & SIGN;
    float magnitude = Math.abs(value);
    if (!(magnitude < 65520f)) { // halfway between the largest half and what would follow
      return (short) (sign | EXPONENT | (Float.isNaN(value) ? 1 << 9 : 0));
    }
    if (magnitude < 0x1p-14f) { // subnormal: a whole number of the smallest steps
      return (short) (sign | (int) Math.rint(magnitude * 0x1p24f));
    }
    int rest = bits & 0x7FFFFFFF;
    int even = (rest >>> 13) & 1;
    return (short) (sign | (((rest + 0xFFF + even) >>> 13) - (112 << 10)));
  }
}
