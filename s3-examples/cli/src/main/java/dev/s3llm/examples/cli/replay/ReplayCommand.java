package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.lab.FrontierChart;
import dev.s3llm.examples.cli.lab.LabPage;
import dev.s3llm.examples.cli.lab.RequestWindows;
import dev.s3llm.examples.cli.lab.RunRecorder;
import dev.s3llm.examples.cli.replay.ReplayReport.Point;
import dev.s3llm.examples.cli.simulation.MachineOptions;
import dev.s3llm.examples.cli.simulation.TrafficOptions;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.examples.cli.support.Spread;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.Trace;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
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
  private static final int MAX_SEEDS = 1000;

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

  @Option(
      names = "--load",
      paramLabel = "A,B,C",
      description =
          "Runs once for each load, with arrivals of a Poisson process at this share of the capacity: "
              + "the requests per second of fcfs with all requests at once under the same policy.")
  private @Nullable String load;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      defaultValue = "1",
      description =
          "Runs with the seeds from --seed on; the table then gives median and range over the seeds.")
  private int seeds;

  @Option(
      names = "--by",
      showDefaultValue = CommandLine.Help.Visibility.NEVER, // none
      split = ",",
      paramLabel = "GROUP",
      description = "Latencies by group of requests as well: ${COMPLETION-CANDIDATES}.")
  private List<Grouping> groupings = List.of();

  @Option(names = "--json", paramLabel = "OUT", description = "Write the results here as well.")
  private @Nullable String json;

  @Option(
      names = "--html",
      paramLabel = "OUT",
      description = "Write an HTML page as well; its details are those of the sweep's last value.")
  private @Nullable String html;

  @Option(
      names = "--chart",
      paramLabel = "OUT",
      description =
          "Write an SVG chart of mean against p99 of the total latency, with a point for each order.")
  private @Nullable String chart;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  ReplayCommand() {}

  @Override
  public Integer call() {
    OutputFile jsonFile = OutputFile.checked("--json", json);
    OutputFile htmlFile = OutputFile.checked("--html", html);
    OutputFile chartFile = OutputFile.checked("--chart", chart);
    Optional<Sweep> swept = swept();
    List<Load> loads = new Loads(machine, traffic, seeds).of(swept);
    Load last = loads.get(loads.size() - 1);
    List<RunRecorder> recorders = htmlFile == null ? List.of() : recorders(last);
    List<Point> points = new ArrayList<>();
    for (Load each : loads) {
      boolean recorded = points.size() == loads.size() - 1;
      Point point = new Point(each.value(), run(each, recorded ? recorders : List.of()));
      points.add(point);
      warnIfNothingFits(each, point.runs().get(0).result());
    }
    ReplayReport report =
        new ReplayReport(
            swept.map(Sweep::setting), points, machine.hasTargets(), Set.copyOf(groupings));
    print(text(report));
    if (jsonFile != null) {
      jsonFile.write(report.json());
    }
    if (chartFile != null) {
      chartFile.write(frontier(report).svg());
    }
    if (htmlFile != null) {
      htmlFile.write(page(last, report, recorders).html());
    }
    return 0;
  }

  private Optional<Sweep> swept() {
    if (seeds < 1 || seeds > MAX_SEEDS) {
      throw new UsageException("--seeds " + seeds + ": must be from 1 to " + MAX_SEEDS);
    }
    if (load != null && sweep != null) {
      throw new UsageException("--load " + load + ": not together with --sweep");
    }
    if (html != null && machine.engines() > 1) {
      throw new UsageException(
          "--html " + html + ": shows one engine; not together with --engines");
    }
    if (html != null && (load != null || seeds > 1)) {
      throw new UsageException(
          "--html " + html + ": shows one trace; use --arrivals in place of --load and --seeds");
    }
    return load != null
        ? Optional.of(Sweep.ofLoads(load))
        : Optional.ofNullable(sweep).map(Sweep::parse);
  }

  private String text(ReplayReport report) {
    String runs = seeds > 1 ? "" : new RunTable(report).text();
    String summary = seeds > 1 || load != null ? new SummaryTable(report).text() : "";
    return runs + summary + new GroupTable(report).text();
  }

  private static FrontierChart frontier(ReplayReport report) {
    FrontierChart frontier = new FrontierChart();
    for (SummaryTable.Series series : new SummaryTable(report).series()) {
      String at =
          report.setting().map(s -> s.unit() + " " + Numbers.plain(series.value())).orElse("");
      Spread mean = series.spread(run -> run.latency().totalSeconds().mean());
      Spread p99 = series.spread(run -> run.latency().totalSeconds().p99());
      if (mean.least() > 0) {
        frontier.add(
            (series.policy() + " " + at).strip(),
            new FrontierChart.Point(series.order(), range(mean), range(p99)));
      }
    }
    return frontier;
  }

  private static FrontierChart.Range range(Spread spread) {
    return new FrontierChart.Range(spread.median(), spread.least(), spread.most());
  }

  private void print(String table) {
    PrintWriter out = spec.commandLine().getOut();
    out.print(table);
    out.flush();
  }

  private LabPage page(Load shown, ReplayReport report, List<RunRecorder> recorders) {
    return new LabPage(facts(shown), machine.targets(), trace(shown), report.pageJson(), recorders);
  }

  /** Returns the trace of a load that has one seed and no capacity: the same in all its runs. */
  private static Trace trace(Load shown) {
    return shown.scenarios().get(0).requests().trace();
  }

  private static List<RunRecorder> recorders(Load shown) {
    RequestWindows windows = RequestWindows.over(trace(shown).requests().size());
    return Stream.generate(() -> new RunRecorder(windows)).limit(shown.scenarios().size()).toList();
  }

  /** Makes all runs; {@code recorders} has one for each run, or none. */
  private static List<Run> run(Load load, List<RunRecorder> recorders) {
    List<Run> runs = new ArrayList<>();
    for (Scenario scenario : load.scenarios()) {
      Simulation.Listener listener =
          recorders.isEmpty() ? new Simulation.Listener() {} : recorders.get(runs.size());
      Trace trace = scenario.requests().trace();
      String task = scenario.policy().name() + " " + scenario.order();
      try (RunProgress progress = new RunProgress(task, trace.requests().size(), listener)) {
        runs.add(new Run(scenario, scenario.simulation().run(trace, scenario.policy(), progress)));
      }
    }
    return runs;
  }

  private void warnIfNothingFits(Load each, SimulationResult run) {
    if (run.requests().rejected() == run.requests().total()) {
      spec.commandLine()
          .getErr()
          .println(
              "warning: no request fits: --max-length %d exceeds what --kv-gb %s holds, or every"
                      .formatted(machine.maxLength(), each.kvGb())
                  + " prompt fills it");
    }
  }

  /** Returns the facts about the runs that the page shows in detail, in the order of the page. */
  private Map<String, String> facts(Load shown) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("Trace", traffic.traceName());
    facts.put("Requests", Integer.toString(trace(shown).requests().size()));
    facts.put("Arrivals", traffic.arrivals());
    facts.put("Predictions", traffic.predictions());
    facts.put("Model", machine.model());
    facts.put("GPU", machine.gpu());
    facts.put("KV memory", shown.kvGb() + " GB");
    facts.put("Longest sequence", machine.maxLength() + " tokens");
    facts.put("Queue order", machine.orderNames());
    return facts;
  }
}
