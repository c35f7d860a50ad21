package dev.s3llm.examples.server.call;

import dev.s3llm.observe.LatencyEstimate;
import java.time.Duration;
import java.util.Optional;

/**
 * The expected waiting time of a new request, from the engine's estimate for the request that it
 * accepted last. Thread-safe.
 */
final class ExpectedWait {
  private static final Duration LEAST = Duration.ofSeconds(1);
  private static final Duration MOST = Duration.ofMinutes(5);

  private volatile Duration wait = LEAST;

  /** Takes over the waiting time of an estimate. */
  void update(Optional<LatencyEstimate> estimate) {
    estimate.ifPresent(expected -> wait = expected.queued());
  }

  /** Returns the time, from one second, which is the initial value, to five minutes. */
  Duration get() {
    Duration latest = wait;
    if (latest.compareTo(LEAST) < 0) {
      return LEAST;
    }
    return latest.compareTo(MOST) > 0 ? MOST : latest;
  }
}
