package dev.s3llm.onnx;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** What a predictor counts. Thread-safe. */
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
    int count = (int) Math.min(LATENCIES, latencyCount.get());
    long[] sorted = new long[count];
    Arrays.setAll(sorted, latencies::get);
    Arrays.sort(sorted);
    return new OnnxPredictorStats(
        predictions.sum(),
        cacheHits.sum(),
        batches.sum(),
        fallbacks.sum(),
        failures.sum(),
        rejected.sum(),
        reloads.sum(),
        onlineHead,
        count == 0 ? 0 : sorted[count / 2],
        count == 0 ? 0 : sorted[(int) Math.min(count - 1L, count * 99L / 100)]);
  }
}
