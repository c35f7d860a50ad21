package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.simulation.MachineOptions;
import dev.s3llm.examples.cli.simulation.TrafficOptions;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/** Makes the loads of a replay from its options. All options are checked before the first run. */
final class Loads {
  private final MachineOptions machine;
  private final TrafficOptions traffic;
  private final List<Long> seeds;

  /**
   * Creates the maker of the loads.
   *
   * @param machine the options of the machine
   * @param traffic the options of the requests
   * @param seeds how many seeds to run, at least 1; the first is that of the options
   */
  Loads(MachineOptions machine, TrafficOptions traffic, int seeds) {
    this.machine = machine;
    this.traffic = traffic;
    this.seeds = LongStream.range(traffic.seed(), traffic.seed() + seeds).boxed().toList();
  }

  /**
   * Returns one load for each value of a sweep, or the only load.
   *
   * @throws UsageException if an option is out of range or a file is wrong
   */
  List<Load> of(Optional<Sweep> sweep) {
    List<SimulationPolicy> policies = machine.policies();
    List<MachineOptions.Ordered> ordered =
        ordered(machine.memoryOption(), machine.kvGb()); // before the trace
    if (sweep.isPresent() && sweep.get().setting() == Sweep.Setting.LOAD) {
      return ofCapacity(sweep.get().values(), policies, ordered);
    }
    List<Scenario.Requests> requests = seeds.stream().map(this::requests).toList();
    Load plain = load(Double.NaN, machine.kvGb(), policies, ordered, requests);
    return sweep
        .map(swept -> swept.values().stream().map(v -> at(plain, swept.setting(), v)).toList())
        .orElseGet(() -> List.of(plain));
  }

  private Scenario.Requests requests(long seed) {
    return new Scenario.Requests(traffic.requests(seed), seed, Double.NaN);
  }

  private Load at(Load plain, Sweep.Setting setting, double value) {
    List<Scenario> scenarios = plain.scenarios();
    return switch (setting) {
      case RATE -> new Load(value, plain.kvGb(), atRate(scenarios, value));
      case KV_GB -> new Load(value, value, in(ordered("--sweep kv-gb", value), scenarios));
      case EPSILON -> new Load(value, plain.kvGb(), losing(scenarios, value));
      case LOAD -> throw new IllegalStateException("loads have no plain load");
    };
  }

  private List<MachineOptions.Ordered> ordered(String memoryOption, double kvGb) {
    return machine.simulations(memoryOption, kvGb, traffic.predictor());
  }

  private static Load load(
      double value,
      double kvGb,
      List<SimulationPolicy> policies,
      List<MachineOptions.Ordered> ordered,
      List<Scenario.Requests> requests) {
    List<Scenario> scenarios = new ArrayList<>();
    for (SimulationPolicy policy : policies) {
      for (Scenario.Requests each : requests) {
        ordered.forEach(
            in -> scenarios.add(new Scenario(policy, in.order(), in.simulation(), each)));
      }
    }
    return new Load(value, kvGb, scenarios);
  }

  /** Returns the loads whose arrivals are shares of the capacity of each policy. */
  private List<Load> ofCapacity(
      List<Double> shares, List<SimulationPolicy> policies, List<MachineOptions.Ordered> ordered) {
    List<Trace> traces =
        seeds.stream().map(seed -> traffic.withoutArrivals(seed, "--load")).toList();
    List<Double> capacities =
        policies.stream().map(policy -> capacity(policy, traces.get(0))).toList();
    List<Load> loads = new ArrayList<>();
    for (double share : shares) {
      List<Scenario> scenarios = new ArrayList<>();
      for (int i = 0; i < policies.size(); i++) {
        List<Scenario.Requests> requests = arriving(traces, share, capacities.get(i));
        scenarios.addAll(
            load(share, machine.kvGb(), List.of(policies.get(i)), ordered, requests).scenarios());
      }
      loads.add(new Load(share, machine.kvGb(), scenarios));
    }
    return loads;
  }

  private List<Scenario.Requests> arriving(List<Trace> traces, double share, double capacity) {
    List<Scenario.Requests> requests = new ArrayList<>();
    for (int i = 0; i < traces.size(); i++) {
      Trace arriving = traces.get(i).poisson(share * capacity, seeds.get(i));
      requests.add(new Scenario.Requests(arriving, seeds.get(i), capacity));
    }
    return requests;
  }

  /** Returns the requests per second in order of arrival if all requests come at once. */
  private double capacity(SimulationPolicy policy, Trace atOnce) {
    Simulation inOrderOfArrival = machine.inOrderOfArrival(traffic.predictor());
    SimulationResult result = inOrderOfArrival.run(atOnce, policy);
    double capacity = result.requests().finished() / result.throughput().makespanSeconds();
    if (!(capacity > 0)) {
      throw new UsageException(
          "--load: no request fits: --max-length %d exceeds what --kv-gb %s holds, or every prompt fills it"
              .formatted(machine.maxLength(), machine.kvGb()));
    }
    return capacity;
  }

  private static List<Scenario> atRate(List<Scenario> scenarios, double rate) {
    return scenarios.stream().map(scenario -> atRate(scenario, rate)).toList();
  }

  private static Scenario atRate(Scenario scenario, double rate) {
    Trace trace = scenario.requests().trace();
    try {
      Trace faster = trace.spedUp(rate / trace.meanRatePerSecond());
      return new Scenario(
          scenario.policy(),
          scenario.order(),
          scenario.simulation(),
          new Scenario.Requests(faster, scenario.requests().seed(), Double.NaN));
    } catch (IllegalArgumentException e) {
      throw new UsageException("--sweep rate: " + e.getMessage());
    }
  }

  /** Returns the scenarios with other simulations; {@code ordered} has one for each order. */
  private static List<Scenario> in(List<MachineOptions.Ordered> ordered, List<Scenario> scenarios) {
    List<Scenario> changed = new ArrayList<>();
    for (Scenario scenario : scenarios) {
      Simulation simulation = ordered.get(changed.size() % ordered.size()).simulation();
      changed.add(
          new Scenario(scenario.policy(), scenario.order(), simulation, scenario.requests()));
    }
    return changed;
  }

  private static List<Scenario> losing(List<Scenario> scenarios, double epsilon) {
    SimulationPolicy forecast = SimulationPolicy.forecast(epsilon);
    if (scenarios.stream().noneMatch(s -> s.policy().name().equals(forecast.name()))) {
      throw new UsageException("--sweep epsilon: needs --policy forecast, which alone has it");
    }
    List<Scenario> changed = new ArrayList<>();
    for (Scenario s : scenarios) {
      boolean forecasts = s.policy().name().equals(forecast.name());
      changed.add(forecasts ? new Scenario(forecast, s.order(), s.simulation(), s.requests()) : s);
    }
    return changed;
  }
}
