package dev.s3llm.jcuda.internal.driver;

/** Division that rounds up. */
public final class Divide {
  private Divide() {}

  /**
   * Returns the quotient, rounded up.
   *
   * @param dividend at least 0; {@code dividend + divisor} must fit an int
   * @param divisor at least 1
   */
  public static int up(int dividend, int divisor) {
    return (dividend + divisor - 1) / divisor;
  }
}
