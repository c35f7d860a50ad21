package dev.s3llm.examples.cli.lab;

import dev.s3llm.observe.EngineSnapshot;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import java.util.function.ToIntFunction;

/**
 * The engine's state over time in a bounded number of buckets, each with the averages of its part
 * of the time. When the run is longer than the buckets reach, neighbours are merged, and each
 * bucket covers twice the time. Not thread-safe.
 */
final class StateSeries {
  static final int BUCKETS = 512;
  private static final long FIRST_WIDTH_NANOS = 1_000_000;

  /** A quantity to average. */
  enum Quantity {
    ALLOCATED_BLOCKS(state -> state.memory().allocatedBlocks()),
    RESERVED_BLOCKS(state -> state.memory().reservedBlocks()),
    RUNNING(state -> state.requests().running()),
    WAITING(state -> state.requests().waiting());

    @SuppressWarnings("ImmutableEnumChecker") // the lambdas above have no state
    private final ToIntFunction<EngineSnapshot> reader;

    Quantity(ToIntFunction<EngineSnapshot> reader) {
      this.reader = reader;
    }
  }

  private final Map<Quantity, double[]> sums = new EnumMap<>(Quantity.class);
  private final int[] preemptions = new int[BUCKETS];
  private long widthNanos = FIRST_WIDTH_NANOS;
  private long originNanos = -1;
  private long endNanos;
  private int capacityBlocks = 1;

  StateSeries() {
    for (Quantity quantity : Quantity.values()) {
      sums.put(quantity, new double[BUCKETS]);
    }
  }

  void add(long fromNanos, long toNanos, EngineSnapshot state) {
    start(fromNanos);
    capacityBlocks = state.memory().capacityBlocks();
    endNanos = toNanos;
    cover(toNanos);
    long from = fromNanos;
    while (from < toNanos) {
      int bucket = bucket(from);
      long until = Math.min(toNanos, originNanos + (bucket + 1) * widthNanos);
      long nanos = until - from;
      sums.forEach(
          (quantity, sum) -> sum[bucket] += (double) quantity.reader.applyAsInt(state) * nanos);
      from = until;
    }
  }

  void preempted(long nanos) {
    start(nanos);
    cover(nanos + 1);
    preemptions[bucket(nanos)]++;
  }

  /** Returns the number of buckets in use. */
  int size() {
    return endNanos <= originNanos ? 0 : bucket(endNanos - 1) + 1;
  }

  double bucketSeconds() {
    return widthNanos / 1e9;
  }

  int capacityBlocks() {
    return capacityBlocks;
  }

  /** Returns the average of a quantity as a function of the bucket's index. */
  IntToDoubleFunction average(Quantity quantity) {
    double[] sum = sums.getOrDefault(quantity, new double[BUCKETS]);
    return bucket -> sum[bucket] / coveredNanos(bucket);
  }

  int preemptions(int bucket) {
    return preemptions[bucket];
  }

  private long coveredNanos(int bucket) {
    return Math.min(widthNanos, endNanos - originNanos - bucket * widthNanos);
  }

  private void start(long nanos) {
    if (originNanos < 0) {
      originNanos = nanos;
    }
  }

  private int bucket(long nanos) {
    return (int) ((nanos - originNanos) / widthNanos);
  }

  /** Doubles the width of the buckets until they reach a time. */
  private void cover(long untilNanos) {
    while (untilNanos - originNanos > BUCKETS * widthNanos) {
      for (double[] sum : sums.values()) {
        for (int i = 0; i < BUCKETS; i++) {
          sum[i] = 2 * i < BUCKETS ? sum[2 * i] + sum[2 * i + 1] : 0;
        }
      }
      for (int i = 0; i < BUCKETS; i++) {
        preemptions[i] = 2 * i < BUCKETS ? preemptions[2 * i] + preemptions[2 * i + 1] : 0;
      }
      widthNanos *= 2;
    }
  }
}
