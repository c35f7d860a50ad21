package dev.s3llm.examples.cli.capacity;

import dev.s3llm.examples.cli.simulation.CardOptions.Placement;
import dev.s3llm.examples.cli.simulation.MachineOptions;
import dev.s3llm.examples.cli.simulation.TrafficOptions;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.CapacitySearch;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Finds the highest load of each policy within latency targets, and the GPUs for a given load. */
@Command(
    name = "capacity",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    sortOptions = false,
    description =
        "Finds the highest arrival rate at which enough requests meet --slo-ttft and --slo-tpot, by"
            + " speeding the trace's arrivals up and down, and the GPUs that a given rate needs."
            + " With --cards, compares one engine on all of them with several on some each.")
public final class CapacityCommand implements Callable<Integer> {
  private static final double TOLERANCE = 0.01;
  private static final double MAX_RATE = 1e9;

  @Spec private CommandSpec spec;

  @Mixin private TrafficOptions traffic = new TrafficOptions();

  @Mixin private MachineOptions machine = new MachineOptions();

  @Option(
      names = "--share",
      defaultValue = "0.99",
      description = "Share of all requests that must meet both targets.")
  private double share;

  @Option(
      names = "--rate",
      paramLabel = "REQ/S",
      description = "Also print the number of GPUs that this load needs, spread evenly.")
  private @Nullable Double rate;

  @Option(names = "--json", paramLabel = "OUT", description = "Write the results here as well.")
  private @Nullable String json;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  CapacityCommand() {}

  @Override
  public Integer call() {
    OutputFile jsonFile = OutputFile.checked("--json", json);
    check();
    List<SimulationPolicy> policies = machine.policies();
    List<Placement> placements = machine.placements();
    List<List<MachineOptions.Ordered>> simulations =
        placements.stream().map(this::simulations).toList();
    Trace trace = spread(traffic.requests());
    List<CapacityReport.Row> rows = new ArrayList<>();
    List<PlacementLoads> loads = new ArrayList<>();
    for (SimulationPolicy policy : policies) {
      for (int order = 0; order < simulations.get(0).size(); order++) {
        String name = simulations.get(0).get(order).label();
        List<PlacementLoads.Candidate> candidates = new ArrayList<>();
        for (int p = 0; p < placements.size(); p++) {
          Optional<CapacitySearch.Capacity> found = Optional.empty();
          if (!simulations.get(p).isEmpty()) {
            Simulation simulation = simulations.get(p).get(order).simulation();
            found = new CapacitySearch(simulation, share, TOLERANCE).find(trace, policy);
            candidates.add(new PlacementLoads.Candidate(placements.get(p), simulation, found));
          }
          rows.add(new CapacityReport.Row(policy.name(), name, placements.get(p), found));
        }
        if (candidates.size() > 1) {
          loads.add(PlacementLoads.of(name, candidates, trace, policy, share));
        }
      }
    }
    CapacityReport report = new CapacityReport(machine.targets(), share, rate, rows, loads);
    spec.commandLine().getOut().print(report.table());
    spec.commandLine().getOut().flush();
    if (jsonFile != null) {
      jsonFile.write(report.json());
    }
    return 0;
  }

  /** Returns the simulations of a placement; none if the weights do not fit its cards. */
  private List<MachineOptions.Ordered> simulations(Placement placement) {
    return placement.engines() > 1 && !machine.fits(placement)
        ? List.of()
        : machine.simulations(placement, traffic.predictor());
  }

  private static Trace spread(Trace trace) {
    List<Trace.Request> requests = trace.requests();
    if (requests.get(0).arrivalNanos() == requests.get(requests.size() - 1).arrivalNanos()) {
      throw new UsageException(
          "--arrivals: all requests come at once, so that there is no rate; use poisson:RATE");
    }
    return trace;
  }

  private void check() {
    if (!machine.hasTargets()) {
      throw new UsageException("capacity needs --slo-ttft, --slo-tpot or both");
    }
    if (!(share > 0 && share <= 1)) {
      throw new UsageException("--share " + share + ": must be above 0 and at most 1");
    }
    if (rate != null && !(rate > 0 && rate <= MAX_RATE)) {
      throw new UsageException("--rate " + rate + ": must be above 0 and at most 1e9");
    }
  }
}
