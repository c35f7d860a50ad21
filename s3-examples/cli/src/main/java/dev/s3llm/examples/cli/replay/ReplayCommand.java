package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.lab.LabPage;
import dev.s3llm.examples.cli.lab.RequestWindows;
import dev.s3llm.examples.cli.lab.RunRecorder;
import dev.s3llm.examples.cli.replay.ReplayReport.Point;
import dev.s3llm.examples.cli.simulation.MachineOptions;
import dev.s3llm.examples.cli.simulation.TrafficOptions;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
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
    showDefaultValues = true,
    sortOptions = false,
    description = "Replays a trace under memory policies and queue orders on a simulated GPU.")
public final class ReplayCommand implements Callable<Integer> {
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
      description = "Write an HTML page as well; its details are those of the sweep's last value.")
  private @Nullable String html;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  ReplayCommand() {}

  @Override
  public Integer call() {
    OutputFile jsonFile = OutputFile.checked("--json", json);
    OutputFile htmlFile = OutputFile.checked("--html", html);
    Optional<Sweep> swept = Optional.ofNullable(sweep).map(Sweep::parse);
    List<Load> loads = new Loads(machine, traffic).of(swept);
    Load last = loads.get(loads.size() - 1);
    List<RunRecorder> recorders = htmlFile == null ? List.of() : recorders(last);
    List<Point> points = new ArrayList<>();
    for (Load load : loads) {
      Point point =
          new Point(
              load.value(), run(load, points.size() == loads.size() - 1 ? recorders : List.of()));
      points.add(point);
      warnIfNothingFits(load, point.runs().get(0));
    }
    ReplayReport report = new ReplayReport(swept.map(Sweep::setting), points, machine.hasTargets());
    print(report.table());
    if (jsonFile != null) {
      jsonFile.write(report.json());
    }
    if (htmlFile != null) {
      htmlFile.write(page(last, report, recorders).html());
    }
    return 0;
  }

  private void print(String table) {
    PrintWriter out = spec.commandLine().getOut();
    out.print(table);
    out.flush();
  }

  private LabPage page(Load load, ReplayReport report, List<RunRecorder> recorders) {
    return new LabPage(facts(load), machine.targets(), load.trace(), report.pageJson(), recorders);
  }

  private static List<RunRecorder> recorders(Load load) {
    RequestWindows windows = RequestWindows.over(load.trace().requests().size());
    int runs = load.policies().size() * load.simulations().size();
    return Stream.generate(() -> new RunRecorder(windows)).limit(runs).toList();
  }

  /** Runs every policy in every order; {@code recorders} has one for each run, or none. */
  private static List<SimulationResult> run(Load load, List<RunRecorder> recorders) {
    List<SimulationResult> runs = new ArrayList<>();
    for (SimulationPolicy policy : load.policies()) {
      for (Simulation simulation : load.simulations()) {
        Simulation.Listener listener =
            recorders.isEmpty() ? new Simulation.Listener() {} : recorders.get(runs.size());
        int requests = load.trace().requests().size();
        try (RunProgress progress = new RunProgress(policy.name(), requests, listener)) {
          runs.add(simulation.run(load.trace(), policy, progress));
        }
      }
    }
    return runs;
  }

  private void warnIfNothingFits(Load load, SimulationResult run) {
    if (run.requests().rejected() == run.requests().total()) {
      spec.commandLine()
          .getErr()
          .println(
              "warning: no request fits: --max-length %d exceeds what --kv-gb %s holds, or every"
                      .formatted(machine.maxLength(), load.kvGb())
                  + " prompt fills it");
    }
  }

  /** Returns the facts about the runs that the page shows in detail, in the order of the page. */
  private Map<String, String> facts(Load load) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Trace", traffic.traceName());
    facts.put("Requests", Integer.toString(load.trace().requests().size()));
    facts.put("Arrivals", traffic.arrivals());
    facts.put("Predictions", traffic.predictions());
    facts.put("Model", machine.model());
    facts.put("GPU", machine.gpu());
    facts.put("KV memory", load.kvGb() + " GB");
    facts.put("Longest sequence", machine.maxLength() + " tokens");
    facts.put("Queue order", machine.orderNames());
    return facts;
  }
}
