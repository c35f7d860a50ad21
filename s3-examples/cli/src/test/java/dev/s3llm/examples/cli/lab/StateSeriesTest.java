package dev.s3llm.examples.cli.lab;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.examples.cli.lab.StateSeries.Quantity;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.Health;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class StateSeriesTest {

  /** Merging keeps time-weighted sums, for runs of any length. */
  @ParameterizedTest
  @ValueSource(ints = {1, 10, 511, 513, 5_000, 100_000})
  void averages_keepTheIntegral(int intervals) {
    Random random = new Random(intervals);
    StateSeries series = new StateSeries();
    long now = 7_000_000_000L;
    double blockNanos = 0;
    double waitingNanos = 0;
    for (int i = 0; i < intervals; i++) {
      long nanos = 1 + random.nextInt(9_000_000);
      int blocks = random.nextInt(100);
      series.add(now, now + nanos, state(blocks, blocks / 2));
      series.preempted(now);
      blockNanos += (double) blocks * nanos;
      waitingNanos += blocks / 2 * (double) nanos;
      now += nanos;
    }

    double end = now - 7_000_000_000L;
    assertThat(series.size()).isBetween(1, StateSeries.BUCKETS);
    assertThat(integral(series, Quantity.ALLOCATED_BLOCKS, end))
        .isCloseTo(blockNanos, within(blockNanos * 1e-9));
    assertThat(integral(series, Quantity.WAITING, end))
        .isCloseTo(waitingNanos, within(waitingNanos * 1e-9));
    assertThat(IntStream.range(0, series.size()).map(series::preemptions).sum())
        .isEqualTo(intervals);
    assertThat(series.size() * series.bucketSeconds() * 1e9).isGreaterThanOrEqualTo(end);
  }

  private static double integral(StateSeries series, Quantity quantity, double endNanos) {
    double width = series.bucketSeconds() * 1e9;
    return IntStream.range(0, series.size())
        .mapToDouble(
            i -> series.average(quantity).applyAsDouble(i) * Math.min(width, endNanos - i * width))
        .sum();
  }

  private static EngineSnapshot state(int blocks, int waiting) {
    return new EngineSnapshot(
        Health.OK,
        new EngineSnapshot.Requests(
            0, waiting, 1, 0, new EngineSnapshot.Ended(0, 0, 0, 0, 0), EngineSnapshot.Refused.NONE),
        new EngineSnapshot.Memory(100, blocks, blocks, 0, 0),
        new EngineSnapshot.Work(0, 0, 0, new EngineSnapshot.Preempted(0, 0, 0), 0, 0),
        new EngineSnapshot.Predictions(0, 0, 0),
        new EngineSnapshot.Faults(0, 0, 0),
        EngineSnapshot.Latency.NONE,
        Map.of());
  }
}
