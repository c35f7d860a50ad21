package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.simulate.SimulatedPredictor;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;
import dev.s3llm.simulate.TraceReader;
import dev.s3llm.simulate.TraceRequest;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Serves a trace on real steps under several policies, one after the other on the same weights. */
@Command(
    name = "serve",
    mixinStandardHelpOptions = true,
    description = "Throughput of policies on a trace's lengths, on real steps.")
final class ServeBenchCommand implements Callable<Integer> {
  @Mixin private BenchModel model = new BenchModel();

  @Option(names = "--trace", required = true, paramLabel = "FILE", description = "as for replay")
  private Path trace;

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
      description = "for each policy, the first quarter not counted (default: ${DEFAULT-VALUE})",
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
      defaultValue = "2048")
  private int maxTokensPerStep;

  @Option(names = "--json", paramLabel = "FILE", description = "write the figures here as well")
  private @Nullable String json;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  ServeBenchCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    OutputFile jsonFile = OutputFile.checked("--json", json);
    ModelConfig config = model.config();
    List<SimulationPolicy> chosen = policies.stream().map(ReplayCommand::policy).toList();
    if (!(seconds >= 1 && seconds <= 3600)) {
      throw new UsageException("--seconds must be from 1 to 3600, but is " + seconds);
    }
    if (!(kvGb > 0 && swapGb >= 0)) {
      throw new UsageException("--kv-gb must be above 0 and --swap-gb at least 0");
    }
    Trace requests = requests(config);
    PrintWriter out = spec.commandLine().getOut();
    List<ServeBench.Row> rows = new ArrayList<>();
    try (JCudaExecutor executor =
        model
            .builder(spec.commandLine().getErr())
            .kvBytes((long) (kvGb * 1e9))
            .swapBytes((long) (swapGb * 1e9))
            .maxContextTokens(maxLength)
            .maxSequencesPerStep(maxRunning)
            .maxTokensPerStep(maxTokensPerStep)
            .build()) {
      ServeBench bench = new ServeBench(executor, requests, predictor, seconds);
      out.println(
          "policy        tokens/s  of first  ms/step  running  KV used  preempted  lost  host wait");
      for (SimulationPolicy policy : chosen) {
        ServeBench.Row row = bench.run(policy, rows.isEmpty() ? 0 : rows.get(0).tokensPerSecond());
        rows.add(row);
        print(out, row);
      }
    }
    if (jsonFile != null) {
      jsonFile.write(new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(rows));
    }
    return 0;
  }

  private static void print(PrintWriter out, ServeBench.Row row) {
    out.printf(
        "%-12s %9.0f %8.2fx %8.2f %8.1f %6.1f %% %10d %4.1f %% %8.2f %%%n",
        row.policy(),
        row.tokensPerSecond(),
        row.ofFirst(),
        row.stepMillis(),
        row.meanRunning(),
        100 * row.kvUse(),
        row.preemptions(),
        100 * row.lostTokens(),
        100 * row.hostWait());
    out.flush();
  }

  /** The trace's requests that fit, as many as there are token ids to tell them apart. */
  private Trace requests(ModelConfig config) {
    Trace read;
    try {
      read = TraceReader.read(trace).atOnce();
    } catch (IOException | IllegalArgumentException e) {
      throw new UsageException("--trace " + trace + ": " + e.getMessage());
    }
    if (predictor.readsColumn() && !read.predicted()) {
      throw new UsageException(
          "--predictor " + predictor + ": " + trace + " lacks the column predicted_tokens");
    }
    List<TraceRequest> fitting =
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
