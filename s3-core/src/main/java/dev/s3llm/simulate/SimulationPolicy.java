package dev.s3llm.simulate;

import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.KnownLengthPlanners;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.S3Planner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.recover.Recovery;
import dev.s3llm.recover.Recovery.Victim;
import dev.s3llm.recover.RecoveryPolicy;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/**
 * A memory planner and a recovery policy that a simulation can run. Immutable; thread-safe if its
 * parts are.
 *
 * @param name name for tables
 * @param planner makes the planner of one run, from a function that returns the true output length
 *     in tokens by request id
 * @param recovery chooses which sequence gives way
 */
public record SimulationPolicy(
    String name, Function<ToIntFunction<String>, MemoryPlanner> planner, RecoveryPolicy recovery) {

  private static final String FORECAST = "forecast";
  private static final String ON_DEMAND = "on-demand";

  /** Returns the built-in policies; the baseline is the first. */
  public static List<SimulationPolicy> all() {
    return List.of(
        new SimulationPolicy("worst-case", truth -> new WorstCasePlanner(), outgrown()),
        new SimulationPolicy("s3", truth -> new S3Planner(), outgrown()),
        new SimulationPolicy("oracle", KnownLengthPlanners::oracle, outgrown()),
        new SimulationPolicy(
            ON_DEMAND, truth -> new OnDemandPlanner(), Recovery.preempting(Victim.NEWEST)),
        new SimulationPolicy(FORECAST, truth -> new ForecastPlanner(), forecasting()),
        new SimulationPolicy(
            "clairvoyant", KnownLengthPlanners::clairvoyant, Recovery.preempting(Victim.NEWEST)));
  }

  /**
   * Returns the built-in policy of a name, or empty if there is none.
   *
   * @param name name of the policy, in lower case
   */
  public static Optional<SimulationPolicy> named(String name) {
    return all().stream().filter(policy -> policy.name().equals(name)).findFirst();
  }

  /**
   * Returns the forecast policy with another limit on lost tokens.
   *
   * @param lossShare limit on the tokens lost to preemptions, as a share of the tokens produced;
   *     above 0, below 1
   * @throws IllegalArgumentException if the limit is out of range
   */
  public static SimulationPolicy forecast(double lossShare) {
    new ForecastPlanner(lossShare); // refuses a bad limit now, not in the first run
    return new SimulationPolicy(FORECAST, truth -> new ForecastPlanner(lossShare), forecasting());
  }

  /**
   * Returns the on-demand policy with another watermark. Its name ends in the watermark, such as
   * {@code on-demand:0.05}.
   *
   * @param watermark share of the KV blocks that an admission must leave free, in {@code [0, 1)}
   * @throws IllegalArgumentException if the watermark is out of range
   */
  public static SimulationPolicy onDemand(double watermark) {
    new OnDemandPlanner(watermark); // refuses a bad watermark now, not in the first run
    return new SimulationPolicy(
        ON_DEMAND + ":" + watermark,
        truth -> new OnDemandPlanner(watermark),
        Recovery.preempting(Victim.NEWEST));
  }

  private static RecoveryPolicy forecasting() {
    return Recovery.preempting(Victim.CHEAPEST).patient();
  }

  private static RecoveryPolicy outgrown() {
    return Recovery.preempting(Victim.OUTGROWN);
  }
}
