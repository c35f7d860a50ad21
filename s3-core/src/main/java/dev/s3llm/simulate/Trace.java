package dev.s3llm.simulate;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Requests in order of arrival. Immutable.
 *
 * @param requests at least one, by ascending arrival
 */
public record Trace(List<TraceRequest> requests) {
  private static final double NANOS_PER_SECOND = 1e9;

  /** Copies the list and validates the order. */
  public Trace {
    requests = List.copyOf(requests);
    if (requests.isEmpty()) {
      throw new IllegalArgumentException("requests must hold at least one request, but is empty");
    }
    for (int i = 1; i < requests.size(); i++) {
      long earlier = requests.get(i - 1).arrivalNanos();
      if (requests.get(i).arrivalNanos() < earlier) {
        throw new IllegalArgumentException(
            "requests must ascend by arrival, but number %d comes at %d ns after %d ns"
                .formatted(i, requests.get(i).arrivalNanos(), earlier));
      }
    }
  }

  /** The same requests, all at time 0. */
  public Trace atOnce() {
    return new Trace(requests.stream().map(request -> request.at(0)).toList());
  }

  /**
   * The same requests in the same order, as a Poisson process that starts at time 0.
   *
   * @param ratePerSecond requests per second on average
   * @param seed of the random gaps
   */
  public Trace poisson(double ratePerSecond, long seed) {
    GpuProfile.requirePositive("ratePerSecond", ratePerSecond);
    SplittableRandom random = new SplittableRandom(seed);
    List<TraceRequest> moved = new ArrayList<>(requests.size());
    double seconds = 0;
    for (TraceRequest request : requests) {
      moved.add(request.at(Math.round(seconds * NANOS_PER_SECOND)));
      seconds -= Math.log1p(-random.nextDouble()) / ratePerSecond;
    }
    return new Trace(moved);
  }

  /** Whether each request has a prediction. */
  public boolean predicted() {
    return requests.stream().allMatch(request -> request.predictedTokens() > 0);
  }
}
