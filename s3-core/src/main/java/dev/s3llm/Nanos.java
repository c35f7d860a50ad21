package dev.s3llm;

import java.time.Duration;

/** Durations in nanoseconds, however long: three centuries and more are forever. */
final class Nanos {
  private Nanos() {}

  /** A duration; {@link Long#MAX_VALUE} if there is no such number, its opposite if negative. */
  static long of(Duration duration) {
    try {
      return duration.toNanos();
    } catch (ArithmeticException e) {
      return duration.isNegative() ? Long.MIN_VALUE : Long.MAX_VALUE;
    }
  }

  /** The time a while after another; at the earliest that, at the latest never. */
  static long after(long nanos, Duration duration) {
    try {
      return Math.addExact(nanos, of(duration));
    } catch (ArithmeticException e) {
      return duration.isNegative() ? nanos : Long.MAX_VALUE;
    }
  }
}
