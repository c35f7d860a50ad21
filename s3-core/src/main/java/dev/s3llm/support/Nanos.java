package dev.s3llm.support;

import com.google.common.math.LongMath;
import java.time.Duration;

/** Conversions of durations to nanoseconds that saturate at the limits of a {@code long}. */
public final class Nanos {
  private Nanos() {}

  /**
   * Returns a duration in nanoseconds, saturated at the limits of a {@code long}.
   *
   * @param duration any duration
   */
  public static long of(Duration duration) {
    try {
      return duration.toNanos();
    } catch (ArithmeticException e) {
      return duration.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
  }

  /**
   * Returns {@code nanos + duration}, saturated at the limits of a {@code long}.
   *
   * @param nanos a time, in nanoseconds
   * @param duration any duration
   */
  public static long after(long nanos, Duration duration) {
    return LongMath.saturatedAdd(nanos, of(duration));
  }
}
