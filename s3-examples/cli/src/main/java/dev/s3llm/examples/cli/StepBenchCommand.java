package dev.s3llm.examples.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelConfig;
import java.io.IOException;
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

/** Times decode steps over batch sizes and contexts, and compares them with the roofline. */
@Command(
    name = "step",
    mixinStandardHelpOptions = true,
    description = "Milliseconds of a decode step, and its share of the roofline.")
final class StepBenchCommand implements Callable<Integer> {
  private static final int MOST_ROWS = 2048;

  @Mixin private BenchModel model = new BenchModel();

  @Option(
      names = "--points",
      split = ",",
      paramLabel = "BATCHxCONTEXT",
      description = "what to measure (default: ${DEFAULT-VALUE})",
      defaultValue = "1x512,16x512,64x512,128x512,256x256")
  private List<String> points = List.of();

  @Option(
      names = "--steps",
      description = "steps timed at each point (default: ${DEFAULT-VALUE})",
      defaultValue = "24")
  private int steps;

  @Option(
      names = "--bandwidth",
      paramLabel = "TB/S",
      description = "reads that the GPU sustains (default: ${DEFAULT-VALUE})",
      defaultValue = "4.4")
  private double terabytesPerSecond;

  @Option(
      names = "--tflops",
      description = "products that the GPU sustains (default: ${DEFAULT-VALUE})",
      defaultValue = "711")
  private double teraflops;

  @Option(names = "--json", paramLabel = "FILE", description = "write the figures here as well")
  private @Nullable String json;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  StepBenchCommand() {}

  /**
   * One point's figures.
   *
   * @param millis of a step by the GPU's clock, the median
   * @param wallMillis of a step as the host sees it, the median
   * @param rooflineMillis what memory or arithmetic needs at least
   */
  record Row(
      String model,
      int batch,
      int context,
      double millis,
      double wallMillis,
      double rooflineMillis,
      double ofRoofline,
      double tokensPerSecond) {}

  @Override
  public Integer call() throws IOException {
    OutputFile jsonFile = OutputFile.checked("--json", json);
    List<StepBench.Point> wanted = points.stream().map(StepBenchCommand::point).toList();
    if (steps < 1 || steps > 1000) {
      throw new UsageException("--steps must be from 1 to 1000, but is " + steps);
    }
    ModelConfig config = model.config();
    int rows = wanted.stream().mapToInt(StepBench.Point::batch).max().orElse(1);
    long slots = wanted.stream().mapToLong(point -> point.slots(steps)).max().orElse(1);
    PrintWriter out = spec.commandLine().getOut();
    List<Row> figures = new ArrayList<>();
    try (JCudaExecutor executor =
        model
            .builder(spec.commandLine().getErr())
            .kvBytes((long) (slots * BenchModel.kvBytesPerToken(config)))
            .swapBytes(0)
            .maxSequencesPerStep(rows)
            .maxTokensPerStep(Math.max(rows, MOST_ROWS))
            .build()) {
      out.println("model       batch  context  ms/step  wall ms  roofline  of it  tokens/s");
      for (StepBench.Point point : wanted) {
        Row row = row(config, point, new StepBench(executor).run(point, steps));
        figures.add(row);
        out.printf(
            "%-10s %6d %8d %8.2f %8.2f %9.2f %4.0f %% %9.0f%n",
            row.model,
            row.batch,
            row.context,
            row.millis,
            row.wallMillis,
            row.rooflineMillis,
            100 * row.ofRoofline,
            row.tokensPerSecond);
        out.flush();
      }
    }
    if (jsonFile != null) {
      jsonFile.write(
          new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(figures));
    }
    return 0;
  }

  private Row row(ModelConfig config, StepBench.Point point, StepBench.Times times) {
    double weights = BenchModel.multipliedWeights(config);
    double tokens = (double) point.batch() * (point.context() + steps / 2.0);
    double bytes = 2 * weights + tokens * BenchModel.kvBytesPerToken(config);
    double memory = bytes / (terabytesPerSecond * 1e9);
    double arithmetic = 2 * weights * point.batch() / (teraflops * 1e9);
    double roofline = Math.max(memory, arithmetic);
    return new Row(
        model.model,
        point.batch(),
        point.context(),
        times.millis(),
        times.wallMillis(),
        roofline,
        roofline / times.millis(),
        1000 * point.batch() / times.wallMillis());
  }

  private static StepBench.Point point(String text) {
    String[] parts = text.strip().split("x", -1);
    try {
      int batch = Integer.parseInt(parts[0]);
      int context = Integer.parseInt(parts[1]);
      if (parts.length == 2 && batch >= 1 && batch <= MOST_ROWS && context >= 1) {
        return new StepBench.Point(batch, context);
      }
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      // said below
    }
    throw new UsageException(
        "--points: '%s' must be BATCHxCONTEXT, such as 64x512, with a batch of at most %d"
            .formatted(text, MOST_ROWS));
  }
}
