package dev.s3llm;

/**
 * A clock that should never run backwards; if it does, an engine's time goes on from where it was.
 * Tests and the simulator bring their own.
 */
@FunctionalInterface
public interface NanoClock {

  /** Nanoseconds since some fixed, arbitrary moment. */
  long nanos();

  /** The JVM's monotonic clock. */
  static NanoClock system() {
    return System::nanoTime;
  }
}
