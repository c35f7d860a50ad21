package dev.s3llm.onnx;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** The counters of a predictor. Thread-safe. */
final class PredictorCounters {
  private static final int LATENCIES = 1024;

  final LongAdder predictions = new LongAdder();
  final LongAdder cacheHits = new LongAdder();
  final LongAdder batches = new LongAdder();
  final LongAdder fallbacks = new LongAdder();
  final LongAdder failures = new LongAdder();
  final LongAdder rejected = new LongAdder();
  final LongAdder reloads = new LongAdder();
  private final AtomicLongArray latencies = new AtomicLongArray(LATENCIES);
  private final AtomicLong latencyCount = new AtomicLong();

  void latency(long nanos) {
    latencies.set((int) (latencyCount.getAndIncrement() % LATENCIES), nanos);
  }

  OnnxPredictorStats stats(boolean onlineHead) {
    return new OnnxPredictorStats(
        new OnnxPredictorStats.Model(
            predictions.sum(), cacheHits.sum(), batches.sum(), reloads.sum(), onlineHead),
        new OnnxPredictorStats.Fallback(fallbacks.sum(), failures.sum(), rejected.sum()),
        latencies());
  }

  private OnnxPredictorStats.Latency latencies() {
    int count = (int) Math.min(LATENCIES, latencyCount.get());
    if (count == 0) {
      return new OnnxPredictorStats.Latency(0, 0);
    }
    long[] sorted = new long[count];
    Arrays.setAll(sorted, latencies::get);
    Arrays.sort(sorted);
    int p99 = (int) Math.min(count - 1L, count * 99L / 100);
    return new OnnxPredictorStats.Latency(sorted[count / 2], sorted[p99]);
  }
}
