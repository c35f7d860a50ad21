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
 * A way to use memory that a simulation can run.
 *
 * @param name for tables
 * @param planner makes the planner of one run; gets the true output length by request id, which
 *     only a simulation can know
 * @param recovery decides who gives way
 */
public record SimulationPolicy(
    String name, Function<ToIntFunction<String>, MemoryPlanner> planner, RecoveryPolicy recovery) {

  private static final String FORECAST = "forecast";

  /** The built-in policies, the baseline first. */
  public static List<SimulationPolicy> all() {
    return List.of(
        new SimulationPolicy("worst-case", truth -> new WorstCasePlanner(), outgrown()),
        new SimulationPolicy("s3", truth -> new S3Planner(), outgrown()),
        new SimulationPolicy("oracle", KnownLengthPlanners::oracle, outgrown()),
        new SimulationPolicy(
            "on-demand", truth -> new OnDemandPlanner(), Recovery.preempting(Victim.NEWEST)),
        new SimulationPolicy(FORECAST, truth -> new ForecastPlanner(), forecasting()),
        new SimulationPolicy(
            "clairvoyant", KnownLengthPlanners::clairvoyant, Recovery.preempting(Victim.NEWEST)));
  }

  /** The built-in policy of this name. */
  public static Optional<SimulationPolicy> named(String name) {
    return all().stream().filter(policy -> policy.name().equals(name)).findFirst();
  }

  /**
   * The forecast policy with a share of its own.
   *
   * @param lossShare tokens that preemptions may cost, over tokens produced; above 0, below 1
   */
  public static SimulationPolicy forecast(double lossShare) {
    new ForecastPlanner(lossShare); // refuses a bad share now rather than in the first run
    return new SimulationPolicy(FORECAST, truth -> new ForecastPlanner(lossShare), forecasting());
  }

  private static RecoveryPolicy forecasting() {
    return Recovery.preempting(Victim.CHEAPEST).patient();
  }

  private static RecoveryPolicy outgrown() {
    return Recovery.preempting(Victim.OUTGROWN);
  }
}
