package dev.s3llm.observe;

import dev.s3llm.error.RequestRefusedException.Reason;
import dev.s3llm.observe.EngineSnapshot.Histogram;
import dev.s3llm.observe.EngineSnapshot.Latency;
import dev.s3llm.observe.EngineSnapshot.Tenant;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A snapshot in which each number is another one. */
final class Snapshots {
  static final EngineSnapshot DISTINCT =
      new EngineSnapshot(
          Health.OK,
          new EngineSnapshot.Requests(
              3,
              2,
              4,
              10,
              new EngineSnapshot.Ended(11, 12, 13, 14, 15),
              new EngineSnapshot.Refused(
                  Map.of(Reason.QUEUE_FULL, 40L, Reason.NEVER_FITS, 60L), Map.of("a", 31L))),
          new EngineSnapshot.Memory(5, 6, 7, 8, 9, new EngineSnapshot.Prefixes(70, 71, 72, 73, 74)),
          new EngineSnapshot.Work(
              16, 26, 17, new EngineSnapshot.Preempted(50, 100, 200), 19, 20, 27),
          new EngineSnapshot.Predictions(21, 22, 0.5),
          new EngineSnapshot.Faults(23, 24, 25),
          latency(1000),
          Map.of(
              "a", new Tenant(32, 33, 34, latency(2000)),
              "b \"\\\n", new Tenant(400, 500, 600, latency(3000))));

  private Snapshots() {}

  private static Latency latency(long counts) {
    return new Latency(
        histogram(counts), histogram(counts + 1), histogram(counts + 2), histogram(counts + 3));
  }

  private static Histogram histogram(long count) {
    return new Histogram(
        List.of(Duration.ofMillis(5), Duration.ofSeconds(2)),
        List.of(7L, count - 10, 3L),
        Duration.ofMillis(count * 1500));
  }
}
