package dev.s3llm.jcuda.model;

/** IEEE 754 half precision, which Java 17 has no conversion for. */
final class HalfFloats {
  private static final int SIGN = 0x8000;
  private static final int EXPONENT = 0x7C00;
  private static final int MANTISSA = 0x03FF;

  private HalfFloats() {}

  static float fromHalf(short half) {
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
}
