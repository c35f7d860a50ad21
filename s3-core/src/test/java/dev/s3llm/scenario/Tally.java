package dev.s3llm.scenario;

import java.util.Arrays;
import java.util.stream.Collectors;

/** Statistics of many scenarios, in one line. Any thread may add to it. */
final class Tally {
  private final long startNanos = System.nanoTime();
  private final long[] faults = new long[Fault.values().length];
  private long seeds;
  private long passes;
  private long requests;
  private long preemptions;
  private long swaps;

  synchronized void add(Scenario scenario) {
    seeds++;
    passes += scenario.passes();
    requests += scenario.clients().size();
    preemptions += scenario.preemptions();
    swaps += scenario.swaps();
    for (Fault fault : Fault.values()) {
      faults[fault.ordinal()] += scenario.count(fault);
    }
  }

  long seeds() {
    return seeds;
  }

  long passes() {
    return passes;
  }

  long preemptions() {
    return preemptions;
  }

  long swaps() {
    return swaps;
  }

  long count(Fault fault) {
    return faults[fault.ordinal()];
  }

  @Override
  public String toString() {
    String byKind =
        Arrays.stream(Fault.values())
            .map(fault -> fault + " " + count(fault))
            .collect(Collectors.joining(", "));
    return "scenarios: %,d seeds, %,d steps, %,d requests, %,d preemptions, %,d of them swaps, %.0f s; faults: %s"
        .formatted(
            seeds,
            passes,
            requests,
            preemptions,
            swaps,
            (System.nanoTime() - startNanos) / 1e9,
            byKind);
  }
}
