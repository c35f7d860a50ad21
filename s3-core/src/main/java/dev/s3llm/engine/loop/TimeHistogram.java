package dev.s3llm.engine.loop;

import dev.s3llm.observe.EngineSnapshot.Histogram;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Counts durations by size. Recording allocates nothing. Only the loop's thread uses it. */
final class TimeHistogram {
  /** Bounds for the times of a whole request, in milliseconds. */
  static final List<Duration> REQUEST_BOUNDS =
      millis(
          5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000,
          200_000);

  /** Bounds for the time per output token, in milliseconds. */
  static final List<Duration> TOKEN_BOUNDS =
      millis(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000);

  private final List<Duration> bounds;
  private final long[] boundNanos;
  private final long[] counts;
  private long sumNanos;
  private @Nullable Histogram view;

  TimeHistogram(List<Duration> bounds) {
    this.bounds = bounds;
    this.boundNanos = bounds.stream().mapToLong(Duration::toNanos).toArray();
    this.counts = new long[bounds.size() + 1];
  }

  private static List<Duration> millis(long... values) {
    return LongStream.of(values).mapToObj(Duration::ofMillis).toList();
  }

  /** Counts a duration of 0 or more nanoseconds. */
  void record(long nanos) {
    int found = Arrays.binarySearch(boundNanos, nanos);
    counts[found >= 0 ? found : -found - 1]++;
    sumNanos += nanos;
    view = null;
  }

  /** Returns the present counts. Makes a new copy only if a duration was recorded since. */
  Histogram view() {
    Histogram current = view;
    if (current == null) {
      current =
          new Histogram(bounds, Arrays.stream(counts).boxed().toList(), Duration.ofNanos(sumNanos));
      view = current;
    }
    return current;
  }
}
