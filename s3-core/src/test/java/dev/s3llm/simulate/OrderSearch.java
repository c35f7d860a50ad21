package dev.s3llm.simulate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * How much a better order of admission could gain: local search over the orders of requests that
 * all wait at once, with true lengths known (the clairvoyant planner) and the simulator as judge.
 *
 * <p>Starts from the order of the trace, longest first and shortest first; takes the best of them
 * and moves or swaps random requests, keeping what does not take longer. Llama-33b on an H200, no
 * swapping. Arguments: trace file, requests, gigabytes of KV, evaluations, seed.
 */
final class OrderSearch {
  private final Simulation simulation;
  private final SimulationPolicy policy = SimulationPolicy.named("clairvoyant").orElseThrow();
  private final Random random;

  private OrderSearch(double kvGb, long seed) {
    this.simulation =
        Simulation.builder(
                CostModel.ModelShape.named("llama-33b").orElseThrow(),
                CostModel.GpuProfile.named("h200").orElseThrow(),
                Math.round(kvGb * 1e9))
            .swapBytes(0)
            .build();
    this.random = new Random(seed);
  }

  /** Runs the search and prints what it found. */
  public static void main(String[] args) throws IOException {
    Trace trace = TraceReader.read(Path.of(args[0])).atOnce();
    List<Trace.Request> requests = trace.requests().subList(0, Integer.parseInt(args[1]));
    OrderSearch search = new OrderSearch(Double.parseDouble(args[2]), Long.parseLong(args[4]));
    search.run(requests, Integer.parseInt(args[3]));
  }

  private void run(List<Trace.Request> recorded, int evaluations) {
    Comparator<Trace.Request> byLength = Comparator.comparingInt(Trace.Request::outputTokens);
    double reference = show("as they come", recorded, Double.NaN);
    List<Trace.Request> longest = sorted(recorded, byLength.reversed());
    List<Trace.Request> shortest = sorted(recorded, byLength);
    double longestSeconds = show("longest first", longest, reference);
    double shortestSeconds = show("shortest first", shortest, reference);
    List<Trace.Request> start = recorded;
    if (Math.min(longestSeconds, shortestSeconds) < reference) {
      start = longestSeconds < shortestSeconds ? longest : shortest;
    }
    show("search from the best of them", climb(new ArrayList<>(start), evaluations), reference);
    show("search from how they come", climb(new ArrayList<>(recorded), evaluations), reference);
  }

  private static List<Trace.Request> sorted(
      List<Trace.Request> requests, Comparator<Trace.Request> order) {
    return requests.stream().sorted(order).toList();
  }

  private List<Trace.Request> climb(List<Trace.Request> order, int evaluations) {
    List<Trace.Request> best = order;
    double bestSeconds = seconds(best);
    for (int i = 0; i < evaluations; i++) {
      List<Trace.Request> next = neighbour(best);
      double seconds = seconds(next);
      if (seconds <= bestSeconds) {
        best = next;
        bestSeconds = seconds;
      }
    }
    return best;
  }

  private List<Trace.Request> neighbour(List<Trace.Request> order) {
    List<Trace.Request> changed = new ArrayList<>(order);
    for (int moves = 1 + random.nextInt(3); moves > 0; moves--) {
      int from = random.nextInt(changed.size());
      int to = random.nextInt(changed.size());
      if (random.nextBoolean()) {
        Collections.swap(changed, from, to);
      } else {
        changed.add(to, changed.remove(from));
      }
    }
    return changed;
  }

  private double seconds(List<Trace.Request> order) {
    return simulation.run(new Trace(order), policy).throughput().makespanSeconds();
  }

  private double show(String name, List<Trace.Request> order, double reference) {
    SimulationResult result = simulation.run(new Trace(order), policy);
    double seconds = result.throughput().makespanSeconds();
    System.out.printf(
        "%-30s %8.3f s  %7.1f tok/s  %+.2f %%%n",
        name, seconds, result.throughput().tokensPerSecond(), 100 * (reference / seconds - 1));
    return seconds;
  }
}
