package dev.s3llm;

/**
 * A clock in nanoseconds. If it runs backwards, an engine's time continues from the latest value.
 * Tests and the simulator have clocks of their own. Implementations must be thread-safe.
 */
@FunctionalInterface
public interface NanoClock {

  /** Returns the time in nanoseconds since a fixed, arbitrary moment. */
  long nanos();

  /** Returns the JVM's monotonic clock, {@link System#nanoTime}. */
  static NanoClock system() {
    return System::nanoTime;
  }
}
