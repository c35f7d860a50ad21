package dev.s3llm.examples.cli.predict;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.options.Prompt;
import dev.s3llm.examples.cli.options.PromptOptions;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.onnx.LengthModelException;
import dev.s3llm.onnx.OnnxLengthPredictor;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
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

/** Prints predicted answer lengths of prompts, or measures how good predictions are. */
@Command(
    name = "predict",
    mixinStandardHelpOptions = true,
    description = "Predicts answer lengths; without prompts, of the embedded ones.")
public final class PredictCommand implements Callable<Integer> {
  @Mixin private PromptOptions promptOptions = new PromptOptions();

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

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  PredictCommand() {}

  @Override
  public Integer call() throws IOException {
    Numbers.requireAtLeast("--max-new-tokens", 1, maxNewTokens);
    if (evaluate != null && promptOptions.given()) {
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
    List<Prompt> prompts = promptOptions.prompts();
    List<ObjectNode> lines = new ArrayList<>();
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        "%-12s %6s %6s %6s %8s %9s  %s%n", "id", "p50", "p90", "p99", "mean", "us", "prompt");
    for (Prompt prompt : prompts) {
      long start = System.nanoTime();
      LengthPrediction length = predict(predictor, prompt.text());
      double micros = (System.nanoTime() - start) / 1e3;
      lines.add(json(prompt, length, micros));
      print(out, prompt, length, micros);
    }
    if (prompts.size() == 1) {
      out.print(Histogram.of(predict(predictor, prompts.get(0).text())));
    }
    out.flush();
    if (json != null) {
      Json.writeLines(json, lines);
    }
    return 0;
  }

  private LengthPrediction predict(OnnxLengthPredictor predictor, String prompt) {
    LengthQuery query = new LengthQuery(1, prompt, null, 0, maxNewTokens);
    return predictor.predict(query).toCompletableFuture().join();
  }

  private static void print(
      PrintWriter out, Prompt prompt, LengthPrediction length, double micros) {
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

  private static String beginning(String prompt) {
    String line = prompt.replaceAll("\\s+", " ");
    return line.length() <= 60 ? line : line.substring(0, 57) + "...";
  }

  private static ObjectNode json(Prompt prompt, LengthPrediction length, double micros) {
    return Json.object()
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
    PrintWriter out = spec.commandLine().getOut();
    out.print(new LengthEvaluation(predictor, rows, maxNewTokens).table());
    out.flush();
    return 0;
  }
}
