package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.PromptFile.Prompt;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.onnx.LengthModelException;
import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints how long the answers to prompts are predicted to be, or how good predictions are. */
@Command(
    name = "predict",
    mixinStandardHelpOptions = true,
    description = "Predicts answer lengths; with no prompts given, of the embedded ones.")
final class PredictCommand implements Callable<Integer> {
  @Parameters(paramLabel = "PROMPT", description = "prompts")
  private List<String> arguments = new ArrayList<>();

  @Option(names = "--prompts", paramLabel = "FILE", description = "JSON lines with id and prompt")
  private @Nullable Path promptFile;

  @Option(names = "--json", paramLabel = "FILE", description = "write predictions as JSON lines")
  private @Nullable Path json;

  @Option(
      names = "--evaluate",
      paramLabel = "FILE",
      description = "JSON lines with prompt and output_tokens: print how good predictions are")
  private @Nullable Path evaluate;

  @Option(
      names = "--length-model",
      paramLabel = "FOLDER",
      description = "the length model (default: the one of the embedded small model)")
  private @Nullable Path lengthModel;

  @Option(
      names = "--max-new-tokens",
      paramLabel = "N",
      description = "output limit of each answer (default: ${DEFAULT-VALUE})",
      defaultValue = "256")
  private int maxNewTokens;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads of the model (default: ${DEFAULT-VALUE})",
      defaultValue = "2")
  private int threads;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    if (maxNewTokens < 1) {
      throw new UsageException("--max-new-tokens must be at least 1, but is " + maxNewTokens);
    }
    if (evaluate != null && (promptFile != null || !arguments.isEmpty())) {
      throw new UsageException("--evaluate brings its own prompts: give no others");
    }
    Path folder = lengthModel == null ? SmallModel.unpackLengthModel() : lengthModel;
    try (OnnxLengthPredictor predictor =
        OnnxLengthPredictor.builder(folder).threads(threads).build()) {
      return evaluate == null ? predict(predictor) : evaluate(predictor, evaluate);
    } catch (LengthModelException e) {
      throw new UsageException("--length-model: " + e.getMessage());
    }
  }

  private int predict(OnnxLengthPredictor predictor) throws IOException {
    List<Prompt> prompts = PromptFile.choose(promptFile, arguments);
    ObjectMapper mapper = new ObjectMapper();
    List<String> lines = new ArrayList<>();
    PrintWriter out = out();
    out.printf(
        "%-12s %6s %6s %6s %8s %9s  %s%n", "id", "p50", "p90", "p99", "mean", "us", "prompt");
    for (Prompt prompt : prompts) {
      long start = System.nanoTime();
      LengthPrediction length = predict(predictor, prompt.text());
      double micros = (System.nanoTime() - start) / 1e3;
      lines.add(mapper.writeValueAsString(json(mapper, prompt, length, micros)));
      out.printf(
          "%-12s %6d %6d %6d %8.1f %9.0f  %s%n",
          prompt.id(),
          length.quantile(0.5),
          length.quantile(0.9),
          length.quantile(0.99),
          length.mean(),
          micros,
          beginning(prompt.text()));
    }
    if (prompts.size() == 1) {
      out.print(Histogram.of(predict(predictor, prompts.get(0).text())));
    }
    out.flush();
    if (json != null) {
      Files.write(json, lines);
    }
    return 0;
  }

  private LengthPrediction predict(OnnxLengthPredictor predictor, String prompt) {
    LengthQuery query = new LengthQuery(1, prompt, null, 0, maxNewTokens);
    return predictor.predict(query).toCompletableFuture().join();
  }

  private static ObjectNode json(
      ObjectMapper mapper, Prompt prompt, LengthPrediction length, double micros) {
    return mapper
        .createObjectNode()
        .put("id", prompt.id())
        .put("prompt", prompt.text())
        .put("p50", length.quantile(0.5))
        .put("p90", length.quantile(0.9))
        .put("p99", length.quantile(0.99))
        .put("mean", length.mean())
        .put("latency_us", micros);
  }

  private int evaluate(OnnxLengthPredictor predictor, Path file) {
    List<LengthRow> rows = LengthRow.read(file);
    PrintWriter out = out();
    out.print(new LengthEvaluation(predictor, rows, maxNewTokens).table());
    out.flush();
    return 0;
  }

  private static String beginning(String prompt) {
    String line = prompt.replaceAll("\\s+", " ");
    return line.length() <= 60 ? line : line.substring(0, 57) + "...";
  }

  private PrintWriter out() {
    return Objects.requireNonNull(spec).commandLine().getOut();
  }
}
