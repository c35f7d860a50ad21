package dev.s3llm.engine.prefix;

/**
 * The bins of the time since a use has ended, over which the chance of a return is taken as
 * constant.
 */
final class Ages {
  private static final double NANOS_PER_SECOND = 1e9;

  /** Starts of the bins in seconds; the last bin has no end. */
  private static final double[] STARTS = {
    0, 0.25, 0.5, 1, 2, 4, 7, 12, 20, 30, 45, 60, 80, 100, 130, 170, 220, 300, 400, 550, 800, 1200,
    2000, 4000, 10000
  };

  /** Number of bins, the last one included. */
  static final int BINS = STARTS.length;

  private static final long[] START_NANOS = new long[BINS];

  static {
    for (int i = 0; i < BINS; i++) {
      START_NANOS[i] = Math.round(STARTS[i] * NANOS_PER_SECOND);
    }
  }

  private Ages() {}

  /** Returns the start of a bin in nanoseconds. */
  static long startNanos(int bin) {
    return START_NANOS[bin];
  }

  /** Returns the end of a bin in nanoseconds; {@link Long#MAX_VALUE} for the last. */
  static long endNanos(int bin) {
    return bin + 1 < BINS ? START_NANOS[bin + 1] : Long.MAX_VALUE;
  }

  /** Returns the width of a bin in seconds; that of the last is as long as all before it. */
  static double seconds(int bin) {
    return bin + 1 < BINS ? STARTS[bin + 1] - STARTS[bin] : STARTS[bin];
  }

  /** Returns the seconds that an age has spent in a bin. */
  static double secondsIn(int bin, long ageNanos) {
    return (ageNanos - START_NANOS[bin]) / NANOS_PER_SECOND;
  }

  /** Returns the bin of an age; that of a negative one is the first. */
  static int bin(long ageNanos) {
    int low = 0;
    int high = BINS;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (ageNanos >= START_NANOS[middle]) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
}
