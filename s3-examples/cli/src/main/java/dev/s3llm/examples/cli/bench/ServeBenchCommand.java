package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.options.JsonOption;
import dev.s3llm.examples.cli.simulation.MachineOptions;
import dev.s3llm.examples.cli.simulation.TraceFile;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves a trace on real steps under several policies, one after the other on the same weights. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = "Measures the throughput of policies with the lengths of a trace, on real steps.")
public final class ServeBenchCommand implements Callable<Integer> {
  @Mixin private BenchModel model = new BenchModel();
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--trace",
      required = true,
      paramLabel = "FILE",
      description = "CSV file, as for replay")
  private String trace;

  @Option(
      names = "--kv-gb",
      required = true,
      paramLabel = "GB",
      description = "KV memory, in units of 1e9 bytes")
  private double kvGb;

  @Option(
      names = "--swap-gb",
      paramLabel = "GB",
      description = "pinned memory to swap to; 0 recomputes (default: ${DEFAULT-VALUE})",
      defaultValue = "0")
  private double swapGb;

  @Option(
      names = "--max-length",
      description = "most tokens of a sequence, prompt included (default: ${DEFAULT-VALUE})",
      defaultValue = "2048")
  private int maxLength;

  @Option(
      names = "--predictor",
      description = "EXACT, COLUMN, CALIBRATED or EMPIRICAL (default: ${DEFAULT-VALUE})",
      defaultValue = "COLUMN")
  private SimulatedPredictor predictor = SimulatedPredictor.COLUMN;

  @Option(
      names = "--policy",
      split = ",",
      description = "policies to compare; the first is the baseline (default: ${DEFAULT-VALUE})",
      defaultValue = "worst-case,s3,oracle,on-demand")
  private List<String> policies = List.of();

  @Option(
      names = "--seconds",
      description =
          "seconds for each policy, of which the first quarter does not count (default: ${DEFAULT-VALUE})",
      defaultValue = "40")
  private double seconds;

  @Option(
      names = "--max-running",
      description = "largest batch (default: ${DEFAULT-VALUE})",
      defaultValue = "512")
  private int maxRunning;

  @Option(
      names = "--max-tokens-per-step",
      description = "token budget of a step (default: ${DEFAULT-VALUE})",
      defaultValue = "512")
  private int maxTokensPerStep;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  ServeBenchCommand() {}

  @Override
  public Integer call() throws InterruptedException {
    json.check();
    ModelConfig config = model.config();
    List<SimulationPolicy> chosen = policies.stream().map(MachineOptions::policy).toList();
    check();
    Trace requests = requests(config);
    try (JCudaExecutor executor =
        model
            .builder(spec.commandLine().getErr())
            .kvBytes((long) (kvGb * 1e9))
            .swapBytes((long) (swapGb * 1e9))
            .maxContextTokens(maxLength)
            .maxSequencesPerStep(maxRunning)
            .maxTokensPerStep(maxTokensPerStep)
            .build()) {
      json.write(serve(new ServeBench(executor, requests, predictor, seconds), chosen));
    }
    return 0;
  }

  private void check() {
    if (!(seconds >= 1 && seconds <= 3600)) {
      throw new UsageException("--seconds must be from 1 to 3600, but is " + seconds);
    }
    if (!(kvGb > 0 && swapGb >= 0)) {
      throw new UsageException("--kv-gb must be above 0 and --swap-gb at least 0");
    }
  }

  private List<ServeBench.Row> serve(ServeBench bench, List<SimulationPolicy> chosen)
      throws InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    List<ServeBench.Row> rows = new ArrayList<>();
    out.println(
        "policy        tokens/s  of first  ms/step  running  KV used  preempted  lost  host wait");
    for (SimulationPolicy policy : chosen) {
      double baseline = rows.isEmpty() ? 0 : rows.get(0).rate().tokensPerSecond();
      ServeBench.Row row = bench.run(policy, baseline);
      rows.add(row);
      print(out, row);
    }
    return rows;
  }

  private static void print(PrintWriter out, ServeBench.Row row) {
    out.printf(
        "%-12s %9.0f %8.2fx %8.2f %8.1f %6.1f %% %10d %4.1f %% %8.2f %%%n",
        row.policy(),
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

  /** Returns the trace's requests that fit, at most one for each token id, which identifies it. */
  private Trace requests(ModelConfig config) {
    Trace read = TraceFile.read(trace).atOnce();
    if (predictor.readsColumn() && !read.predicted()) {
      throw new UsageException(
          "--predictor " + predictor + ": " + trace + " lacks the column predicted_tokens");
    }
    List<Trace.Request> fitting =
        read.requests().stream()
            .filter(request -> request.promptTokens() + request.outputTokens() <= maxLength)
            .limit(config.vocabularySize())
            .toList();
    if (fitting.isEmpty()) {
      throw new UsageException("--trace " + trace + ": no request fits --max-length " + maxLength);
    }
    return new Trace(fitting);
  }
}
