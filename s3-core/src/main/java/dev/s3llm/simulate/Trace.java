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

  /**
   * The same requests with the gaps between arrivals divided.
   *
   * @param speedup above 0; 2 makes the requests come twice as fast
   */
  public Trace spedUp(double speedup) {
    GpuProfile.requirePositive("speedup", speedup);
    long first = requests.get(0).arrivalNanos();
    return new Trace(
        requests.stream()
            .map(r -> r.at(first + Math.round((r.arrivalNanos() - first) / speedup)))
            .toList());
  }

  /**
   * Requests per second between the first arrival and the last.
   *
   * @throws IllegalArgumentException if all arrive at once
   */
  public double meanRatePerSecond() {
    int gaps = requests.size() - 1;
    long nanos = requests.get(gaps).arrivalNanos() - requests.get(0).arrivalNanos();
    if (nanos == 0) {
      throw new IllegalArgumentException("all requests arrive at once, so that they have no rate");
    }
    return gaps * NANOS_PER_SECOND / nanos;
  }

  /** The same requests, each predicted to be as long as it was. */
  public Trace predictedExactly() {
    return predicting(requests.stream().mapToInt(TraceRequest::outputTokens).toArray());
  }

  /**
   * The same requests with their predictions spoiled. The same seed gives the same predictions.
   *
   * @throws IllegalArgumentException if a request has no prediction
   */
  public Trace mispredicted(PredictionError error, long seed) {
    if (!predicted()) {
      throw new IllegalArgumentException("every request must have a prediction, but some lack it");
    }
    int[] predictions = requests.stream().mapToInt(TraceRequest::predictedTokens).toArray();
    return predicting(error.spoil(predictions, new SplittableRandom(seed)));
  }

  private Trace predicting(int[] tokens) {
    List<TraceRequest> changed = new ArrayList<>(requests.size());
    for (TraceRequest request : requests) {
      changed.add(
          new TraceRequest(
              request.arrivalNanos(),
              request.promptTokens(),
              request.outputTokens(),
              tokens[changed.size()],
              request.tenant()));
    }
    return new Trace(changed);
  }

  /** Whether each request has a prediction. */
  public boolean predicted() {
    return requests.stream().allMatch(request -> request.predictedTokens() > 0);
  }
}
