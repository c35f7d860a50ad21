package dev.s3llm.examples.cli;

import dev.s3llm.examples.cli.ReplayReport.Point;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationListener;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.Trace;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Replays a trace through the engine under several policies, on a simulated GPU. */
@Command(
    name = "replay",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Replays a trace under several memory policies on a simulated GPU.")
final class ReplayCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Mixin private TrafficOptions traffic = new TrafficOptions();

  @Mixin private MachineOptions machine = new MachineOptions();

  @Option(
      names = "--sweep",
      paramLabel = "SETTING=A,B,C",
      description =
          "Runs once for each value of rate (arrivals per second), kv-gb (memory) or epsilon (tokens "
              + "that the forecast planner may lose to preemptions, over tokens produced).")
  private @Nullable String sweep;

  @Option(names = "--json", paramLabel = "OUT", description = "Write the results here as well.")
  private @Nullable String json;

  @Option(
      names = "--html",
      paramLabel = "OUT",
      description = "Write a page to look at; details are of the sweep's last value.")
  private @Nullable String html;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  ReplayCommand() {}

  static SimulationPolicy policy(String name) {
    return SimulationPolicy.named(name.strip())
        .orElseThrow(
            () ->
                new UsageException(
                    "--policy %s: must be one of %s"
                        .formatted(
                            name,
                            SimulationPolicy.all().stream().map(SimulationPolicy::name).toList())));
  }

  @Override
  public Integer call() {
    OutputFile jsonFile = OutputFile.checked("--json", json);
    OutputFile htmlFile = OutputFile.checked("--html", html);
    Optional<Sweep> swept = Optional.ofNullable(sweep).map(Sweep::parse);
    List<SimulationPolicy> policies = machine.policies();
    machine.simulation("--kv-gb", machine.kvGb(), traffic.predictor()); // refuses bad settings
    Trace trace = traffic.requests();
    List<Load> loads =
        swept
            .map(s -> s.values().stream().map(value -> load(trace, policies, s, value)).toList())
            .orElseGet(() -> List.of(load(trace, policies)));
    List<Point> points = new ArrayList<>();
    List<RunRecorder> recorders = List.of();
    for (Load load : loads) {
      boolean last = points.size() == loads.size() - 1;
      recorders = htmlFile != null && last ? recorders(trace, policies) : List.of();
      points.add(new Point(load.value, run(load, recorders)));
      warnIfNothingFits(load.kvGb, points.get(points.size() - 1).runs().get(0));
    }
    ReplayReport report = new ReplayReport(swept.map(Sweep::setting), points, machine.hasTargets());
    spec.commandLine().getOut().print(report.table());
    spec.commandLine().getOut().flush();
    if (jsonFile != null) {
      jsonFile.write(report.json());
    }
    if (htmlFile != null) {
      Load detailed = loads.get(loads.size() - 1);
      htmlFile.write(
          new LabPage(facts(detailed), machine.targets(), detailed.trace, report, recorders)
              .html());
    }
    return 0;
  }

  /** What one value of the sweep, or the only one, stands for. */
  private record Load(
      double value,
      double kvGb,
      Simulation simulation,
      Trace trace,
      List<SimulationPolicy> policies) {}

  private Load load(Trace trace, List<SimulationPolicy> policies) {
    Simulation simulation = simulation("--kv-gb", machine.kvGb());
    return new Load(Double.NaN, machine.kvGb(), simulation, trace, policies);
  }

  private Load load(Trace trace, List<SimulationPolicy> policies, Sweep swept, double value) {
    Load plain = load(trace, policies);
    double kvGb = plain.kvGb;
    Simulation simulation = plain.simulation;
    return switch (swept.setting()) {
      case RATE -> new Load(value, kvGb, simulation, atRate(trace, value), policies);
      case KV_GB -> new Load(value, value, simulation("--sweep kv-gb", value), trace, policies);
      case EPSILON -> new Load(value, kvGb, simulation, trace, losing(policies, value));
    };
  }

  private Simulation simulation(String memoryOption, double kvGigabytes) {
    return machine.simulation(memoryOption, kvGigabytes, traffic.predictor());
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

  /** What the page says about the runs that it shows in detail, in this order. */
  private Map<String, String> facts(Load load) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Trace", traffic.traceName());
    facts.put("Requests", Integer.toString(load.trace.requests().size()));
    facts.put("Arrivals", traffic.arrivals());
    facts.put("Predictions", traffic.predictions());
    facts.put("Model", machine.model());
    facts.put("GPU", machine.gpu());
    facts.put("KV memory", load.kvGb + " GB");
    facts.put("Longest sequence", machine.maxLength() + " tokens");
    facts.put("Queue order", machine.orderName());
    return facts;
  }

  private static List<RunRecorder> recorders(Trace trace, List<SimulationPolicy> policies) {
    RequestWindows windows = RequestWindows.over(trace.requests().size());
    return policies.stream().map(policy -> new RunRecorder(windows)).toList();
  }

  /** Runs every policy; a recorder for each watches, if there are any. */
  private static List<SimulationResult> run(Load load, List<RunRecorder> recorders) {
    List<SimulationResult> runs = new ArrayList<>();
    for (SimulationPolicy policy : load.policies) {
      SimulationListener watcher =
          recorders.isEmpty() ? new SimulationListener() {} : recorders.get(runs.size());
      int requests = load.trace.requests().size();
      try (RunProgress progress = RunProgress.of(policy.name(), requests, watcher)) {
        runs.add(load.simulation.run(load.trace, policy, progress));
      }
    }
    return runs;
  }

  private void warnIfNothingFits(double kvGb, SimulationResult run) {
    if (run.rejected() == run.requests()) {
      spec.commandLine()
          .getErr()
          .println(
              "warning: no request fits: --max-length %d exceeds what --kv-gb %s holds, or every"
                      .formatted(machine.maxLength(), kvGb)
                  + " prompt fills it");
    }
  }
}
