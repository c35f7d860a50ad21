package dev.s3llm.examples.cli.score;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.cli.options.KvOption;
import dev.s3llm.examples.cli.options.WeightsOption;
import dev.s3llm.examples.cli.support.CaseFile;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.ChatTemplate;
import dev.s3llm.text.TextModel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Computes how probable a model finds texts. */
@Command(
    name = "score",
    mixinStandardHelpOptions = true,
    description = {
      "Computes the negative log-likelihood of texts on the CPU: the sum over all",
      "tokens but the first of -ln p(token | tokens before it), in nats."
    })
public final class ScoreCommand implements Callable<Integer> {
  private static final String CASES = "--cases";

  @Parameters(paramLabel = "MODEL", description = "a model folder or a .gguf file")
  private Path model;

  @Option(
      names = CASES,
      required = true,
      paramLabel = "FILE",
      description = "JSON lines with id and text")
  private Path cases;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "write JSON lines with id, tokens (their number) and nll, or id and error")
  private @Nullable String json;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the model (default: one for each processor)",
      defaultValue = "0")
  private int threads;

  @Mixin private KvOption kv = new KvOption();

  @Mixin private WeightsOption weights = new WeightsOption();

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  ScoreCommand() {}

  @Override
  public Integer call() {
    OutputFile output = OutputFile.checked("--json", json);
    CaseFile.requireFile(CASES, cases);
    Numbers.requireAtLeast("--threads", 0, threads);
    CaseFile results;
    try (TextModel text = TextModel.load(model, ChatTemplate.plain());
        CpuExecutor executor = executor()) {
      results = CaseFile.answer(CASES, cases, (row, result) -> score(text, executor, row, result));
    } catch (ModelFormatException e) {
      throw new UsageException("MODEL: " + e.getMessage());
    }
    if (output != null) {
      output.write(results.lines());
    }
    summarise(results);
    return 0;
  }

  private CpuExecutor executor() {
    CpuExecutor.Builder builder =
        CpuExecutor.builder(model)
            .kvPrecision(kv.precision())
            .weights(weights.format())
            .activations(weights.activations());
    return threads > 0 ? builder.threads(threads).build() : builder.build();
  }

  private static void score(TextModel text, CpuExecutor executor, JsonNode row, ObjectNode result) {
    int[] tokens = text.encode(CaseFile.text(row, "text"));
    double nll = tokens.length < 2 ? 0 : -Arrays.stream(executor.scores(tokens)).sum();
    result.put("tokens", tokens.length).put("nll", nll);
  }

  private void summarise(CaseFile results) {
    double nll = 0;
    long scored = 0;
    for (ObjectNode row : results.results()) {
      nll += row.path("nll").asDouble();
      scored += Math.max(0, row.path("tokens").asInt() - 1);
    }
    int rows = results.results().size();
    spec.commandLine()
        .getOut()
        .printf(
            Locale.ROOT,
            "%d texts, %d errors, %d tokens scored: mean %.4f nats, perplexity %.4f%n",
            rows - results.errors(),
            results.errors(),
            scored,
            nll / scored,
            Math.exp(nll / scored))
        .flush();
  }
}
