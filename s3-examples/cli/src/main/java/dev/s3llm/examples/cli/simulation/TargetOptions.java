package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.Simulation;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The limits on latency that a request must meet to count for goodput. */
public final class TargetOptions {
  @Option(
      names = "--slo-ttft",
      paramLabel = "SECONDS",
      description = "Longest time to the first token that counts for goodput.")
  private @Nullable Double sloTtft;

  @Option(
      names = "--slo-tpot",
      paramLabel = "SECONDS",
      description = "Longest time per output token that counts for goodput.")
  private @Nullable Double sloTpot;

  /** Created by a command; picocli sets the fields. */
  public TargetOptions() {}

  /** Returns whether the user set a limit. */
  public boolean given() {
    return sloTtft != null || sloTpot != null;
  }

  /** Returns whether the user set a limit on the time per output token. */
  boolean hasTpot() {
    return sloTpot != null;
  }

  /**
   * Returns the limits, infinite where the user set none.
   *
   * @throws UsageException if one is not above 0
   */
  public Simulation.LatencyTargets targets() {
    return new Simulation.LatencyTargets(
        limit("--slo-ttft", sloTtft), limit("--slo-tpot", sloTpot));
  }

  private static double limit(String option, @Nullable Double seconds) {
    if (seconds == null) {
      return Double.POSITIVE_INFINITY;
    }
    if (!(seconds > 0)) {
      throw new UsageException(option + " " + seconds + ": must be above 0");
    }
    return seconds;
  }
}
