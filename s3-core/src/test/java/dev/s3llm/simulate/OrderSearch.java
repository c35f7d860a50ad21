package dev.s3llm.simulate;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * Measures how much a better order of admission could gain, by a local search over the orders of
 * requests that all wait at once. The clairvoyant planner knows the true lengths, and the simulator
 * computes the makespan of an order.
 *
 * <p>The search starts from the best of three orders: that of the trace, longest first, and
 * shortest first. It moves or swaps random requests, and keeps an order that does not take longer.
 * The model is Llama-33b on an H200, without swapping. Arguments: trace file, number of requests,
 * gigabytes of KV memory, number of evaluations, seed.
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

  /**
   * Runs the search and prints its result.
   *
   * @param args trace file, number of requests, gigabytes of KV memory, evaluations, seed
   */
  public static void main(String[] args) throws IOException {
    Trace trace = TraceReader.read(Path.of(args[0])).atOnce();
    List<Trace.Request> requests = trace.requests().subList(0, Integer.parseInt(args[1]));
    OrderSearch search = new OrderSearch(Double.parseDouble(args[2]), Long.parseLong(args[4]));
    search.run(requests, Integer.parseInt(args[3]));
  }

  private void run(List<Trace.Request> recorded, int evaluations) {
    Comparator<Trace.Request> byLength = Comparator.comparingInt(Trace.Request::outputTokens);
    double reference = show("order of the trace", recorded, Double.NaN);
    List<Trace.Request> longest = sorted(recorded, byLength.reversed());
    List<Trace.Request> shortest = sorted(recorded, byLength);
    double longestSeconds = show("longest first", longest, reference);
    double shortestSeconds = show("shortest first", shortest, reference);
    List<Trace.Request> start = recorded;
    if (Math.min(longestSeconds, shortestSeconds) < reference) {
      start = longestSeconds < shortestSeconds ? longest : shortest;
    }
    show("search from the best order", climb(new ArrayList<>(start), evaluations), reference);
    show("search from the trace", climb(new ArrayList<>(recorded), evaluations), reference);
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
