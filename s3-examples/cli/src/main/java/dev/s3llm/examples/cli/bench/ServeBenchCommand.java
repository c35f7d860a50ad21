package dev.s3llm.examples.cli.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.options.JsonOption;
import dev.s3llm.examples.cli.options.OrderChoice;
import dev.s3llm.examples.cli.simulation.MachineOptions;
import dev.s3llm.examples.cli.simulation.Predictions;
import dev.s3llm.examples.cli.simulation.TargetOptions;
import dev.s3llm.examples.cli.simulation.TraceFile;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.execute.Executor;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.Trace;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Serves a trace on real steps under several policies and orders, one after the other on the same
 * weights: with all requests at once, or with arrivals of a Poisson process.
 */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = {
      "Measures policies and queue orders on real steps, with the lengths of a trace.",
      "Without --rate all requests come at once, and the throughput is measured, on a GPU alone.",
      "With --rate the latencies are measured as well, on a GPU or the CPU."
    })
public final class ServeBenchCommand implements Callable<Integer> {

  @Mixin private ServedModel model = new ServedModel();
  @Mixin private TargetOptions targets = new TargetOptions();
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--trace",
      required = true,
      paramLabel = "FILE",
      description = "requests, as for replay; their arrivals are not used")
  private String trace;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description =
          "take the first N requests of the trace (default: all; with --rate those that arrive"
              + " within --seconds)")
  private @Nullable Integer most;

  @Option(
      names = "--rate",
      paramLabel = "R",
      split = ",",
      description =
          "arrivals per second of a Poisson process; several, one after another (default: all at"
              + " once)")
  private List<Double> rates = List.of();

  @Option(
      names = "--predictor",
      completionCandidates = Predictions.Names.class,
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})",
      defaultValue = "column")
  private String predictor;

  @Option(names = "--error", paramLabel = "KIND:X", description = Predictions.ERROR_HELP)
  private @Nullable String error;

  @Option(
      names = "--seed",
      description =
          "seed of the arrivals and of --error, as for replay (default: ${DEFAULT-VALUE})",
      defaultValue = "1")
  private long seed;

  @Option(
      names = "--policy",
      split = ",",
      description = "policies to compare; the first is the baseline (default: ${DEFAULT-VALUE})",
      defaultValue = "worst-case,s3,oracle,on-demand")
  private List<String> policies = List.of();

  @Option(
      names = "--order",
      split = ",",
      completionCandidates = OrderChoice.Names.class,
      description =
          "queue orders to compare, each under each policy: ${COMPLETION-CANDIDATES} (default:"
              + " ${DEFAULT-VALUE})",
      defaultValue = OrderChoice.BASELINE)
  private List<String> orders = List.of();

  @Option(
      names = "--seconds",
      description =
          "seconds for each run: of the arrivals with --rate; else of the measurement, of which the"
              + " first quarter does not count (default: ${DEFAULT-VALUE})",
      defaultValue = "40")
  private double seconds;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      description =
          "with --rate: seconds of all requests at once before the first run (default:"
              + " ${DEFAULT-VALUE})",
      defaultValue = "5")
  private double warmUp;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  ServeBenchCommand() {}

  /** A run to make. */
  private record Scenario(SimulationPolicy policy, OrderChoice.Chosen order) {}

  @Override
  public Integer call() throws InterruptedException {
    json.check();
    List<Scenario> scenarios = scenarios();
    ModelConfig config = model.check();
    check();
    Predictions predictions = Predictions.parse(predictor, error);
    Trace requests = requests(config, predictions);
    targets.targets(); // refuses a bad limit before the model is loaded
    try (Executor executor = model.load(spec.commandLine().getErr())) {
      if (rates.isEmpty()) {
        BenchEngines engines = engines(executor, requests, predictions);
        json.write(serve(new ServeBench((JCudaExecutor) executor, engines, seconds), scenarios));
      } else {
        json.write(measure(executor, requests, predictions, scenarios));
      }
    }
    return 0;
  }

  private BenchEngines engines(Executor executor, Trace requests, Predictions predictions) {
    return new BenchEngines(
        executor,
        fitting(requests, executor),
        predictions.source(),
        new BenchEngines.Limits(maxLength(executor), model.maxTokensPerStep(), model.maxRunning()));
  }

  private List<Scenario> scenarios() {
    List<Scenario> scenarios = new ArrayList<>();
    for (String name : policies) {
      SimulationPolicy policy = MachineOptions.policy(name);
      orders.forEach(o -> scenarios.add(new Scenario(policy, OrderChoice.parse(o, null))));
    }
    return scenarios;
  }

  private void check() {
    if (!(seconds >= 1 && seconds <= 3600)) {
      throw new UsageException("--seconds must be from 1 to 3600, but is " + seconds);
    }
    if (!(warmUp >= 0 && warmUp <= 3600)) {
      throw new UsageException("--warm-up must be from 0 to 3600, but is " + warmUp);
    }
    for (double rate : rates) {
      if (!(rate >= 1e-6 && rate <= 1e6)) {
        throw new UsageException("--rate must be from 0.000001 to 1000000, but is " + rate);
      }
    }
    if (rates.isEmpty() && !model.onGpu()) {
      throw new UsageException("--device cpu: needs --rate; without it, GPU times are measured");
    }
  }

  private List<ServeBench.Row> serve(ServeBench bench, List<Scenario> scenarios)
      throws InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    List<ServeBench.Row> rows = new ArrayList<>();
    out.println(
        "policy        order      tokens/s  of first  ms/step  running  KV used  preempted  lost"
            + "  host wait");
    for (Scenario scenario : scenarios) {
      double baseline = rows.isEmpty() ? 0 : rows.get(0).rate().tokensPerSecond();
      ServeBench.Row row = bench.run(scenario.policy(), scenario.order(), baseline);
      rows.add(row);
      print(out, row);
    }
    return rows;
  }

  private static void print(PrintWriter out, ServeBench.Row row) {
    out.printf(
        "%-12s  %-9s %9.0f %8.2fx %8.2f %8.1f %6.1f %% %10d %4.1f %% %8.2f %%%n",
        row.policy(),
        row.order(),
        row.rate().tokensPerSecond(),
        row.rate().ofFirst(),
        row.batch().stepMillis(),
        row.batch().meanRunning(),
        100 * row.batch().kvUse(),
        row.losses().preemptions(),
        100 * row.losses().lostTokens(),
        100 * row.hostWait());
    out.flush();
  }

  /** Makes the runs with arrivals; returns {@code {"seed", "runs"}}. */
  private ObjectNode measure(
      Executor executor, Trace requests, Predictions predictions, List<Scenario> scenarios)
      throws InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    ObjectNode root = Json.object();
    root.put("seed", seed);
    root.putArray("runs");
    out.println(
        "    rate  policy        order      finished    tok/s  preempted  ttft mean      p50      p99"
            + "  tpot p50      p99  total mean      p99    queue  goodput");
    double warming = warmUp;
    for (double rate : rates) {
      BenchEngines engines = engines(executor, arriving(requests, rate), predictions);
      RateBench bench = new RateBench(engines, targets.targets());
      bench.warmUp(scenarios.get(0).policy(), scenarios.get(0).order(), warming);
      warming = 0;
      for (Scenario scenario : scenarios) {
        RateBench.Row row = bench.run(scenario.policy(), scenario.order());
        root.withArray("runs").add(row.json().put("rate", rate));
        print(out, rate, row);
      }
    }
    return root;
  }

  private static void print(PrintWriter out, double rate, RateBench.Row row) {
    SimulationResult.Latency latency = row.latency();
    out.printf(
        "%8.4g  %-12s  %-9s %9d %8.1f %10d %10.3f %8.3f %8.3f %9.4f %8.4f %11.3f %8.3f %8.3f %8.3f%n",
        rate,
        row.policy(),
        row.order(),
        row.finished(),
        row.tokensPerSecond(),
        row.work().preemptions(),
        latency.ttftSeconds().mean(),
        latency.ttftSeconds().p50(),
        latency.ttftSeconds().p99(),
        latency.tpotSeconds().p50(),
        latency.tpotSeconds().p99(),
        latency.totalSeconds().mean(),
        latency.totalSeconds().p99(),
        latency.queueSeconds().mean(),
        row.goodputPerSecond());
    out.flush();
  }

  /** Returns the requests with predictions, at most one for each token id, all at once. */
  private Trace requests(ModelConfig config, Predictions predictions) {
    Trace read = TraceFile.read(trace, most == null ? Integer.MAX_VALUE : most).atOnce();
    if (predictions.predictor().readsColumn() && error == null && !read.predicted()) {
      throw new UsageException(
          "--predictor " + predictor + ": " + trace + " lacks the column predicted_tokens");
    }
    Trace fitting = fitting(read, model.maxLength(), config.vocabularySize());
    return predictions.in(fitting, seed, trace);
  }

  /** Returns the requests that arrive within the time, or the first so many. */
  private Trace arriving(Trace requests, double rate) {
    Trace arriving = requests.poisson(rate, seed);
    double last = most == null ? seconds * 1e9 : Double.POSITIVE_INFINITY;
    return new Trace(arriving.requests().stream().filter(r -> r.arrivalNanos() <= last).toList());
  }

  private Trace fitting(Trace all, Executor executor) {
    return fitting(all, maxLength(executor), executor.profile().vocabularySize());
  }

  private int maxLength(Executor executor) {
    long memory = executor.profile().capacityTokens();
    int context = Math.min(model.maxLength(), executor.profile().maxContextTokens());
    return (int) Math.min(context, memory);
  }

  private Trace fitting(Trace all, int maxLength, int mostRequests) {
    List<Trace.Request> fitting =
        all.requests().stream()
            .filter(request -> request.promptTokens() + request.outputTokens() <= maxLength)
            .limit(mostRequests)
            .toList();
    if (fitting.isEmpty()) {
      throw new UsageException(
          "--trace %s: no request fits %d tokens, the least of --max-length, the model's context and"
                  .formatted(trace, maxLength)
              + " --kv-gb");
    }
    return new Trace(fitting);
  }
}
