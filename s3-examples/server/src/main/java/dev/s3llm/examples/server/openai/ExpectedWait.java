package dev.s3llm.examples.server.openai;

import dev.s3llm.observe.LatencyEstimate;
import java.time.Duration;
import java.util.Optional;

/**
 * What somebody who comes now would wait for, by what the engine told the last request that it
 * took. Thread-safe.
 */
final class ExpectedWait {
  private static final Duration LEAST = Duration.ofSeconds(1);
  private static final Duration MOST = Duration.ofMinutes(5);

  private volatile Duration wait = LEAST;

  void learn(Optional<LatencyEstimate> estimate) {
    estimate.ifPresent(expected -> wait = expected.queued());
  }

  /** From one second, while nothing is known, to five minutes. */
  Duration get() {
    Duration latest = wait;
    if (latest.compareTo(LEAST) < 0) {
      return LEAST;
    }
    return latest.compareTo(MOST) > 0 ? MOST : latest;
  }
}
