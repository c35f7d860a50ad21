package dev.s3llm.simulate;

import com.google.common.base.Preconditions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Finds the highest arrival rate at which enough requests meet the simulation's latency targets.
 * The gaps between the trace's arrivals are multiplied by a factor, so that their pattern stays.
 * The search brackets the rate by doubling, and then bisects on its logarithm.
 *
 * <p>The share of requests that meet the targets need not fall monotonically with the rate. If it
 * crosses the required share more than once, one of the crossings is found. Immutable and
 * thread-safe.
 */
public final class CapacitySearch {
  /** Largest factor, and inverse of the smallest, between the searched rate and the trace's. */
  static final double WIDEST = 4096;

  private final Simulation simulation;
  private final double share;
  private final double tolerance;

  /**
   * Creates a search.
   *
   * @param simulation the simulation to run, with latency targets
   * @param share share of the trace's requests that must meet the targets, refused requests
   *     included; above 0, at most 1
   * @param tolerance relative error of the rate, above 0 and finite, such as 0.01
   * @throws IllegalArgumentException if the share or the tolerance is out of range
   */
  public CapacitySearch(Simulation simulation, double share, double tolerance) {
    Preconditions.checkArgument(
        share > 0 && share <= 1, "share must be above 0 and at most 1, but is %s", share);
    CostModel.GpuProfile.requirePositive("tolerance", tolerance);
    this.simulation = simulation;
    this.share = share;
    this.tolerance = tolerance;
  }

  /**
   * Returns the capacity under a policy, or empty if too few requests meet the targets even at the
   * lowest rate that is searched, 1/4096 of the trace's rate.
   *
   * @param trace the requests
   * @param policy the policy to run
   * @throws IllegalArgumentException if all requests of the trace arrive at once, or if the
   *     simulation needs predictions that the trace lacks
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

  /** Returns the result at this speed if enough requests met the targets, else null. */
  private @Nullable SimulationResult probe(Trace trace, SimulationPolicy policy, double speed) {
    SimulationResult result = simulation.run(trace.spedUp(speed), policy);
    return result.requests().metTargets() >= share * result.requests().total() ? result : null;
  }

  /**
   * The highest load at which enough requests met their latency targets. Immutable.
   *
   * @param ratePerSecond mean arrivals per second at that load
   * @param bounded whether a higher load failed; if false, the trace is too short or the targets
   *     are too loose to find a limit
   * @param result result of the run at that load
   */
  public record Capacity(double ratePerSecond, boolean bounded, SimulationResult result) {

    /**
     * Returns the number of GPUs that a load needs if it is spread evenly over them.
     *
     * @param loadPerSecond arrivals per second over all GPUs; above 0 and finite
     * @throws IllegalArgumentException if the load is out of range
     */
    public long gpusFor(double loadPerSecond) {
      CostModel.GpuProfile.requirePositive("loadPerSecond", loadPerSecond);
      return (long) Math.ceil(loadPerSecond / ratePerSecond);
    }
  }
}
