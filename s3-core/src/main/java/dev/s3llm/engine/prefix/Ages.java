package dev.s3llm.engine.prefix;

import java.util.stream.DoubleStream;

/**
 * The bins of the time since a use has ended, over which the chance of a return is taken as
 * constant.
 */
final class Ages {
  private static final double NANOS_PER_SECOND = 1e9;

  /** The ends of the first bins, which double, up to {@link #FIRST_FINE}. */
  private static final double SHORTEST = 0.25;

  private static final double FIRST_FINE = 10;

  /** Ratio of the end of a later bin to its start. */
  private static final double RATIO = 1.2;

  private static final double LAST = 12_000;

  /** Starts of the bins in seconds; the last bin has no end. */
  private static final double[] STARTS = starts();

  /** Number of bins, the last one included. */
  static final int BINS = STARTS.length;

  private static final long[] START_NANOS = new long[BINS];

  static {
    for (int i = 0; i < BINS; i++) {
      START_NANOS[i] = Math.round(STARTS[i] * NANOS_PER_SECOND);
    }
  }

  private Ages() {}

  private static double[] starts() {
    DoubleStream.Builder starts = DoubleStream.builder().add(0);
    for (double start = SHORTEST; start < FIRST_FINE; start *= 2) {
      starts.add(start);
    }
    for (double start = FIRST_FINE; start < LAST; start *= RATIO) {
      starts.add(start);
    }
    return starts.build().toArray();
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
