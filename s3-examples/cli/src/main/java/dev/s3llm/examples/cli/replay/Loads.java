package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.simulation.MachineOptions;
import dev.s3llm.examples.cli.simulation.TrafficOptions;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;
import java.util.List;
import java.util.Optional;

/** Makes the loads of a replay from its options. All options are checked before the first run. */
final class Loads {
  private final MachineOptions machine;
  private final TrafficOptions traffic;

  Loads(MachineOptions machine, TrafficOptions traffic) {
    this.machine = machine;
    this.traffic = traffic;
  }

  /**
   * Returns one load for each value of a sweep, or the only load.
   *
   * @throws UsageException if an option is out of range or a file is wrong
   */
  List<Load> of(Optional<Sweep> sweep) {
    List<SimulationPolicy> policies = machine.policies();
    List<Simulation> simulations =
        simulations("--kv-gb", machine.kvGb()); // checked before the trace
    Load plain = new Load(Double.NaN, machine.kvGb(), simulations, traffic.requests(), policies);
    return sweep
        .map(swept -> swept.values().stream().map(v -> at(plain, swept.setting(), v)).toList())
        .orElseGet(() -> List.of(plain));
  }

  private Load at(Load plain, Sweep.Setting setting, double value) {
    List<Simulation> simulations = plain.simulations();
    Trace trace = plain.trace();
    return switch (setting) {
      case RATE ->
          new Load(value, plain.kvGb(), simulations, atRate(trace, value), plain.policies());
      case KV_GB ->
          new Load(value, value, simulations("--sweep kv-gb", value), trace, plain.policies());
      case EPSILON ->
          new Load(value, plain.kvGb(), simulations, trace, losing(plain.policies(), value));
    };
  }

  private List<Simulation> simulations(String memoryOption, double kvGb) {
    return machine.simulations(memoryOption, kvGb, traffic.predictor());
  }

  private static Trace atRate(Trace trace, double rate) {
    try {
      return trace.spedUp(rate / trace.meanRatePerSecond());
    } catch (IllegalArgumentException e) {
      throw new UsageException("--sweep rate: " + e.getMessage());
    }
  }

  private static List<SimulationPolicy> losing(List<SimulationPolicy> policies, double epsilon) {
    SimulationPolicy forecast = SimulationPolicy.forecast(epsilon);
    if (policies.stream().noneMatch(policy -> policy.name().equals(forecast.name()))) {
      throw new UsageException("--sweep epsilon: needs --policy forecast, which alone has it");
    }
    return policies.stream()
        .map(policy -> policy.name().equals(forecast.name()) ? forecast : policy)
        .toList();
  }
}
