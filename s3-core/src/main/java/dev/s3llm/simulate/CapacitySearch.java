package dev.s3llm.simulate;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the highest arrival rate that a policy sustains: the trace's arrivals are sped up or slowed
 * down, keeping their pattern, until the share of requests that meet the simulation's targets falls
 * below the wanted one. A bracket by doubling, then bisection on the logarithm of the rate.
 *
 * <p>The share need not fall evenly with the rate: where it crosses the wanted share more than
 * once, one of the crossings is found. Immutable and thread-safe.
 */
public final class CapacitySearch {
  /** The rate is looked for from the trace's divided by this to the trace's times this. */
  static final double WIDEST = 4096;

  private final Simulation simulation;
  private final double share;
  private final double tolerance;

  /**
   * Creates a search.
   *
   * @param simulation whose targets count
   * @param share of the trace's requests that must meet them, refused ones included; above 0, at
   *     most 1
   * @param tolerance relative error of the rate, above 0, such as 0.01
   */
  public CapacitySearch(Simulation simulation, double share, double tolerance) {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException("share must be above 0 and at most 1, but is " + share);
    }
    CostModel.GpuProfile.requirePositive("tolerance", tolerance);
    this.simulation = simulation;
    this.share = share;
    this.tolerance = tolerance;
  }

  /**
   * Searches.
   *
   * @return the capacity, or nothing if the targets are missed however slowly requests come
   * @throws IllegalArgumentException if all requests of the trace arrive at once
   */
  public Optional<Capacity> find(Trace trace, SimulationPolicy policy) {
    double rate = trace.meanRatePerSecond();
    SimulationResult held = probe(trace, policy, 1);
    double low = 1;
    double high = 1;
    while (held == null && low > 1 / WIDEST) {
      high = low;
      low /= 2;
      held = probe(trace, policy, low);
    }
    if (held == null) {
      return Optional.empty();
    }
    while (high <= low && high < WIDEST) {
      high = 2 * low;
      SimulationResult next = probe(trace, policy, high);
      if (next != null) {
        held = next;
        low = high;
      }
    }
    boolean bounded = high > low;
    while (high > low * (1 + tolerance)) {
      double middle = Math.sqrt(low * high);
      SimulationResult next = probe(trace, policy, middle);
      if (next == null) {
        high = middle;
      } else {
        held = next;
        low = middle;
      }
    }
    return Optional.of(new Capacity(rate * low, bounded, held));
  }

  /** The result at this speed if enough requests met the targets, else null. */
  private @Nullable SimulationResult probe(Trace trace, SimulationPolicy policy, double speed) {
    SimulationResult result = simulation.run(trace.spedUp(speed), policy);
    return result.requests().metTargets() >= share * result.requests().total() ? result : null;
  }

  /**
   * The highest load at which enough requests met their latency targets.
   *
   * @param ratePerSecond mean arrivals per second at that load
   * @param bounded whether a higher load was seen to fail; otherwise the trace is too short or the
   *     targets are too loose to tell
   * @param result of the run at that load
   */
  public record Capacity(double ratePerSecond, boolean bounded, SimulationResult result) {

    /**
     * GPUs that a load needs if it is spread evenly over them.
     *
     * @param loadPerSecond arrivals per second over all GPUs; above 0
     */
    public long gpusFor(double loadPerSecond) {
      CostModel.GpuProfile.requirePositive("loadPerSecond", loadPerSecond);
      return (long) Math.ceil(loadPerSecond / ratePerSecond);
    }
  }
}
