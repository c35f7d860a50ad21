package dev.s3llm.examples.cli.bench;

import dev.s3llm.examples.cli.options.JsonOption;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.jcuda.JCudaExecutor;
import dev.s3llm.model.ModelConfig;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Times decode steps over batch sizes and contexts, and compares them with the roofline. */
@Command(
    name = "step",
    mixinStandardHelpOptions = true,
    description =
        "Measures the milliseconds of a decode step, and compares them with the roofline.")
public final class StepBenchCommand implements Callable<Integer> {
  private static final int MOST_ROWS = 2048;

  @Mixin private BenchModel model = new BenchModel();
  @Mixin private JsonOption json = new JsonOption();

  @Option(
      names = "--points",
      split = ",",
      paramLabel = "BATCHxCONTEXT",
      description = "points to measure (default: ${DEFAULT-VALUE})",
      defaultValue = "1x512,16x512,64x512,128x512,256x256")
  private List<String> points = List.of();

  @Option(
      names = "--constrained",
      description =
          "measures each point a second time with a mask of the vocabulary for each sequence and"
              + " step")
  private boolean constrained;

  @Option(
      names = "--steps",
      description = "steps timed at each point (default: ${DEFAULT-VALUE})",
      defaultValue = "24")
  private int steps;

  @Option(
      names = "--bandwidth",
      paramLabel = "TB/S",
      description = "memory reads that the GPU sustains (default: ${DEFAULT-VALUE})",
      defaultValue = "4.4")
  private double terabytesPerSecond;

  @Option(
      names = "--tflops",
      description = "FP16 matrix products that the GPU sustains (default: ${DEFAULT-VALUE})",
      defaultValue = "711")
  private double teraflops;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  StepBenchCommand() {}

  /**
   * The figures of one point.
   *
   * @param model the name of the shape
   * @param batch sequences in the batch
   * @param context tokens in KV of each sequence before the first step
   * @param constrained whether each sequence had a mask of the vocabulary
   * @param millis median milliseconds of a step by the GPU's clock
   * @param wallMillis median milliseconds of a step by the host's clock
   * @param rooflineMillis the least milliseconds that memory or arithmetic needs
   * @param ofRoofline the roofline over the step's time by the GPU's clock
   * @param tokensPerSecond output tokens per second of the host's clock
   */
  record Row(
      String model,
      int batch,
      int context,
      boolean constrained,
      double millis,
      double wallMillis,
      double rooflineMillis,
      double ofRoofline,
      double tokensPerSecond) {}

  @Override
  public Integer call() {
    json.check();
    List<StepBench.Point> wanted = points.stream().map(StepBenchCommand::point).toList();
    if (steps < 1 || steps > 1000) {
      throw new UsageException("--steps must be from 1 to 1000, but is " + steps);
    }
    ModelConfig config = model.config();
    int rows = wanted.stream().mapToInt(StepBench.Point::batch).max().orElse(1);
    long slots = wanted.stream().mapToLong(point -> point.slots(steps)).max().orElse(1);
    try (JCudaExecutor executor =
        model
            .builder(spec.commandLine().getErr())
            .kvBytes((long) (slots * model.kvBytesPerToken(config)))
            .swapBytes(0)
            .maxSequencesPerStep(rows)
            .maxTokensPerStep(Math.max(rows, MOST_ROWS))
            .build()) {
      json.write(measure(new StepBench(executor), config, wanted));
    }
    return 0;
  }

  private List<Row> measure(StepBench bench, ModelConfig config, List<StepBench.Point> wanted) {
    PrintWriter out = spec.commandLine().getOut();
    List<Row> figures = new ArrayList<>();
    out.println("model       batch  context  ms/step  wall ms  roofline  of it  tokens/s");
    BenchMasks masks = constrained ? new BenchMasks(config.vocabularySize()) : null;
    for (StepBench.Point point : wanted) {
      Row free = row(config, point, bench.run(point, steps));
      figures.add(free);
      print(out, free, "");
      if (masks != null) {
        StepBench.Point masked = new StepBench.Point(point.batch(), point.context(), masks);
        Row bound = row(config, masked, bench.run(masked, steps));
        figures.add(bound);
        double share = bound.tokensPerSecond / free.tokensPerSecond;
        print(out, bound, "  constrained, %.3f of unconstrained".formatted(share));
      }
    }
    return figures;
  }

  private static void print(PrintWriter out, Row row, String note) {
    out.printf(
        "%-10s %6d %8d %8.2f %8.2f %9.2f %4.0f %% %9.0f%s%n",
        row.model,
        row.batch,
        row.context,
        row.millis,
        row.wallMillis,
        row.rooflineMillis,
        100 * row.ofRoofline,
        row.tokensPerSecond,
        note);
    out.flush();
  }

  private Row row(ModelConfig config, StepBench.Point point, StepBench.Times times) {
    double weights = config.activeParameters();
    double tokens = (double) point.batch() * (point.context() + steps / 2.0);
    double bytes = model.bytesPerWeight() * weights + tokens * model.kvBytesPerToken(config);
    double memory = bytes / (terabytesPerSecond * 1e9);
    double arithmetic = 2 * weights * point.batch() / (teraflops * 1e9);
    double roofline = Math.max(memory, arithmetic);
    return new Row(
        model.name(),
        point.batch(),
        point.context(),
        point.masks() != null,
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
        return new StepBench.Point(batch, context, null);
      }
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      // refused below
    }
    throw new UsageException(
        "--points: '%s' must be BATCHxCONTEXT, such as 64x512, with a batch of at most %d"
            .formatted(text, MOST_ROWS));
  }
}
