package dev.s3llm.examples.cli.capacity;

import dev.s3llm.examples.cli.simulation.MachineOptions;
import dev.s3llm.examples.cli.simulation.TrafficOptions;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.CapacitySearch;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;
import java.util.ArrayList;
import java.util.List;
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
        "Finds the highest arrival rate at which enough requests meet --slo-ttft and --slo-tpot, "
            + "by speeding the trace's arrivals up and down, and the GPUs that a given rate needs.")
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
    List<MachineOptions.Ordered> simulations =
        machine.simulations(machine.memoryOption(), machine.kvGb(), traffic.predictor());
    Trace trace = spread(traffic.requests());
    List<CapacityReport.Row> rows = new ArrayList<>();
    for (SimulationPolicy policy : policies) {
      for (MachineOptions.Ordered ordered : simulations) {
        CapacitySearch search = new CapacitySearch(ordered.simulation(), share, TOLERANCE);
        rows.add(
            new CapacityReport.Row(policy.name(), ordered.label(), search.find(trace, policy)));
      }
    }
    CapacityReport report = new CapacityReport(machine.targets(), share, rate, rows);
    spec.commandLine().getOut().print(report.table());
    spec.commandLine().getOut().flush();
    if (jsonFile != null) {
      jsonFile.write(report.json());
    }
    return 0;
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
