package dev.s3llm.examples.cli;

import dev.s3llm.schedule.DecreasingFirstFit;
import dev.s3llm.schedule.FirstComeFirstServed;
import dev.s3llm.schedule.QueueOrder;
import dev.s3llm.schedule.ShortestPredictedFirst;
import dev.s3llm.simulate.RequestOutcome;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationBuilder;
import dev.s3llm.simulate.SimulationListener;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.SimulationResult;
import dev.s3llm.simulate.Trace;
import dev.s3llm.simulate.TraceReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
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
  private static final double BYTES_PER_GB = 1e9;
  private static final double MAX_KV_GB = 100_000;
  private static final int MAX_TOKENS = 1 << 24;
  private static final String POISSON = "poisson:";

  @Spec private CommandSpec spec;

  @Option(
      names = "--trace",
      required = true,
      paramLabel = "FILE",
      description = "CSV: arrival_s,prompt_tokens,output_tokens[,predicted_tokens].")
  private String trace;

  @Option(
      names = "--arrivals",
      defaultValue = "recorded",
      description = "recorded, at-once, or poisson:RATE (requests per second).")
  private String arrivals;

  @Option(
      names = "--model",
      required = true,
      description = "gpt-j-6b, llama-13b, llama-33b, or a JSON file.")
  private String model;

  @Option(
      names = "--gpu",
      required = true,
      description = "a100-80gb, h200, h200-s3, or a JSON file.")
  private String gpu;

  @Option(
      names = "--kv-gb",
      required = true,
      paramLabel = "GB",
      description = "Memory for keys and values, in units of 1e9 bytes.")
  private double kvGb;

  @Option(
      names = "--max-length",
      defaultValue = "2048",
      description = "Most tokens of a sequence, prompt included.")
  private int maxLength;

  @Option(
      names = "--predictor",
      defaultValue = "exact",
      description = "exact, column, calibrated or empirical.")
  private String predictor;

  @Option(
      names = "--policy",
      split = ",",
      defaultValue = "worst-case,s3,oracle,on-demand",
      description = "Policies to compare; the first is the baseline.")
  private List<String> policies = List.of();

  @Option(names = "--order", defaultValue = "fcfs", description = "fcfs, dff or spf.")
  private String order;

  @Option(names = "--recompute-only", description = "Never swap to host memory.")
  private boolean recomputeOnly;

  @Option(names = "--seed", defaultValue = "1", description = "Of random arrivals.")
  private long seed;

  @Option(names = "--json", paramLabel = "OUT", description = "Write the results here as well.")
  private @Nullable String json;

  @Option(names = "--block-tokens", defaultValue = "16", description = "Tokens of a KV block.")
  private int blockTokens;

  @Option(
      names = "--max-tokens-per-step",
      defaultValue = "8192",
      description = "Token budget of a step.")
  private int maxTokensPerStep;

  @Option(names = "--max-running", defaultValue = "1024", description = "Largest batch.")
  private int maxRunning;

  @Option(
      names = "--max-overtakes",
      defaultValue = "1000",
      description = "How many may pass a waiting request.")
  private int maxOvertakes;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  ReplayCommand() {}

  @Override
  public Integer call() {
    List<SimulationPolicy> chosen = policies.stream().map(ReplayCommand::policy).toList();
    Simulation simulation = simulation();
    Path out = json == null ? null : writable(json);
    Trace requests = arriving(readTrace());
    if (predictor().readsColumn() && !requests.predicted()) {
      throw new UsageException(
          "--predictor column: needs the column predicted_tokens, which " + trace + " lacks");
    }
    List<SimulationResult> runs = new ArrayList<>();
    for (SimulationPolicy policy : chosen) {
      runs.add(run(simulation, requests, policy));
    }
    warnIfNothingFits(runs.get(0));
    ReplayReport report = new ReplayReport(runs);
    spec.commandLine().getOut().print(report.table());
    spec.commandLine().getOut().flush();
    if (out != null) {
      write(report, out);
    }
    return 0;
  }

  private static SimulationResult run(
      Simulation simulation, Trace requests, SimulationPolicy policy) {
    if (!Ansi.AUTO.enabled()) { // not a terminal
      return simulation.run(requests, policy);
    }
    ProgressBarBuilder builder =
        new ProgressBarBuilder()
            .setTaskName(policy.name())
            .setInitialMax(requests.requests().size());
    try (ProgressBar bar = builder.build()) {
      return simulation.run(
          requests,
          policy,
          new SimulationListener() {
            @Override
            public void onEnd(RequestOutcome outcome) {
              bar.step();
            }
          });
    }
  }

  private void warnIfNothingFits(SimulationResult run) {
    if (run.rejected() == run.requests()) {
      spec.commandLine()
          .getErr()
          .println(
              "warning: no request fits: --max-length %d exceeds what --kv-gb %s holds, or every"
                      .formatted(maxLength, kvGb)
                  + " prompt fills it");
    }
  }

  private Simulation simulation() {
    if (!(kvGb > 0 && kvGb <= MAX_KV_GB)) {
      throw new UsageException(
          "--kv-gb %s: must be above 0 and at most %.0f".formatted(kvGb, MAX_KV_GB));
    }
    requireTokens("--max-length", maxLength);
    requireTokens("--block-tokens", blockTokens);
    requireTokens("--max-tokens-per-step", maxTokensPerStep);
    requireTokens("--max-running", maxRunning);
    if (maxRunning > maxTokensPerStep) {
      throw new UsageException(
          "--max-running %d: must be at most --max-tokens-per-step, %d"
              .formatted(maxRunning, maxTokensPerStep));
    }
    SimulationBuilder builder =
        Simulation.builder(
                ProfileFiles.model(model),
                ProfileFiles.gpu(gpu),
                Math.max(1, Math.round(kvGb * BYTES_PER_GB)))
            .maxLength(maxLength)
            .blockTokens(blockTokens)
            .maxTokensPerStep(maxTokensPerStep)
            .maxRunning(maxRunning)
            .order(order())
            .predictor(predictor());
    try {
      return (recomputeOnly ? builder.swapBytes(0) : builder).build();
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new UsageException("--kv-gb " + kvGb + ": " + e.getMessage());
    }
  }

  private QueueOrder order() {
    if (maxOvertakes < 1) {
      throw new UsageException("--max-overtakes " + maxOvertakes + ": must be at least 1");
    }
    return switch (order) {
      case "fcfs" -> new FirstComeFirstServed(maxOvertakes);
      case "dff" -> new DecreasingFirstFit(maxOvertakes);
      case "spf" -> new ShortestPredictedFirst(maxOvertakes);
      default -> throw new UsageException("--order " + order + ": must be fcfs, dff or spf");
    };
  }

  private SimulatedPredictor predictor() {
    return switch (predictor) {
      case "exact" -> SimulatedPredictor.EXACT;
      case "column" -> SimulatedPredictor.COLUMN;
      case "calibrated" -> SimulatedPredictor.CALIBRATED;
      case "empirical" -> SimulatedPredictor.EMPIRICAL;
      default ->
          throw new UsageException(
              "--predictor " + predictor + ": must be exact, column, calibrated or empirical");
    };
  }

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

  private Trace readTrace() {
    try {
      return TraceReader.read(Path.of(trace));
    } catch (NoSuchFileException e) {
      throw new UsageException("--trace " + trace + ": no such file");
    } catch (IOException | InvalidPathException e) {
      throw new UsageException("--trace " + trace + ": cannot be read: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw new UsageException("--trace " + e.getMessage());
    }
  }

  private Trace arriving(Trace recorded) {
    if (arrivals.equals("recorded")) {
      return recorded;
    }
    if (arrivals.equals("at-once")) {
      return recorded.atOnce();
    }
    double rate = arrivals.startsWith(POISSON) ? rate(arrivals.substring(POISSON.length())) : 0;
    if (!(rate >= 1e-6 && rate <= 1e9)) {
      throw new UsageException(
          "--arrivals "
              + arrivals
              + ": must be recorded, at-once or poisson:RATE with a rate from 0.000001 to 1e9");
    }
    return recorded.poisson(rate, seed);
  }

  private static double rate(String text) {
    try {
      return Double.parseDouble(text);
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  private static void requireTokens(String option, int value) {
    if (value < 1 || value > MAX_TOKENS) {
      throw new UsageException(
          String.format(Locale.ROOT, "%s %d: must be from 1 to %d", option, value, MAX_TOKENS));
    }
  }

  /** Before hours of simulation: can the result be written? */
  private static Path writable(String value) {
    Path out;
    try {
      out = Path.of(value).toAbsolutePath();
    } catch (InvalidPathException e) {
      throw new UsageException("--json " + value + ": is no path: " + e.getReason());
    }
    Path folder = out.getParent();
    if (Files.isDirectory(out) || folder == null || !Files.isDirectory(folder)) {
      throw new UsageException("--json " + value + ": must be a file in a folder that exists");
    }
    return out;
  }

  private static void write(ReplayReport report, Path out) {
    try {
      report.writeJson(out);
    } catch (IOException e) {
      throw new UsageException("--json " + out + ": cannot be written: " + e.getMessage());
    }
  }
}
