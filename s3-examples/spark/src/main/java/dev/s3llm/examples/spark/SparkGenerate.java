package dev.s3llm.examples.spark;

import dev.s3llm.examples.model.SmallModel;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.apache.spark.sql.SparkSession;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The command line of the job. The master and the resources are settings of Spark. */
@Command(
    name = "spark-generate",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description =
        "Answers the prompts of a data set. A second run continues where the first ended.")
public final class SparkGenerate implements Callable<Integer> {
  private static final int TASKS_PER_SLOT = 4;
  private static final long BYTES_PER_MIB = 1L << 20;

  @Option(
      names = "--input",
      required = true,
      description = "Files with the columns id, prompt and, optionally, max_new_tokens.")
  private String input;

  @Option(names = "--output", required = true, description = "Folder to append to.")
  private String output;

  @Option(
      names = "--format",
      defaultValue = "jsonl",
      description = "jsonl or parquet. Default: ${DEFAULT-VALUE}.")
  private DataFormat format;

  @Option(names = "--output-format", description = "Format of the output, if it differs.")
  private @Nullable DataFormat outputFormat;

  @Option(
      names = "--model",
      defaultValue = "",
      description =
          "Hugging Face folder or .gguf file that every executor can read. Default: the embedded toy"
              + " model.")
  private String model;

  @Option(
      names = "--length-model",
      defaultValue = "",
      description =
          "Folder of a length model. Default: the embedded one, only for the embedded model.")
  private String lengthModel;

  @Option(
      names = "--chat",
      description = "Frame each prompt as a user message by the model's chat template.")
  private boolean chat;

  @Option(
      names = "--max-new-tokens",
      defaultValue = "256",
      description = "Output limit of rows without their own. Default: ${DEFAULT-VALUE}.")
  private int maxNewTokens;

  @Option(
      names = "--partitions",
      defaultValue = "0",
      description =
          "Number of tasks; the rows of a task are committed together. Default: 4 for each slot.")
  private int partitions;

  @Option(
      names = "--in-flight",
      defaultValue = "64",
      description = "Most rows that a task holds. Default: ${DEFAULT-VALUE}.")
  private int inFlight;

  @Option(
      names = "--threads",
      defaultValue = "0",
      description = "Threads of an engine on a CPU. Default: one for each processor.")
  private int threads;

  @Option(
      names = "--kv-mib",
      defaultValue = "0",
      description = "KV memory in MiB. Default: all free memory of a GPU, 256 on a CPU.")
  private int kvMib;

  @Option(
      names = "--balance",
      defaultValue = "predicted",
      description = "predicted: the same work for each task; even: the same number of rows.")
  private Balance balance;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  SparkGenerate() {}

  /**
   * Runs the job and ends the JVM.
   *
   * @param arguments see {@code --help}
   */
  public static void main(String[] arguments) {
    int code = commandLine().execute(arguments);
    if (code != 0) {
      System.exit(
          code); // not after success: on YARN, ending the JVM before spark-submit fails the job
    }
  }

  static CommandLine commandLine() {
    return new CommandLine(new SparkGenerate()).setCaseInsensitiveEnumValuesAllowed(true);
  }

  @Override
  public Integer call() throws IOException {
    if (model.isEmpty()) {
      System.err.println(SmallModel.NOTICE + "; --model names a real one");
    }
    try (SparkSession spark = SparkSession.builder().appName("s3-generate").getOrCreate()) {
      int slots = spark.sparkContext().defaultParallelism();
      System.out.println(new GenerationJob(spark, jobOptions(slots)).run().summary());
    }
    return 0;
  }

  private JobOptions jobOptions(int slots) {
    return new JobOptions(
        new DataSet(input, format),
        new DataSet(output, outputFormat == null ? format : outputFormat),
        new EngineSettings(
            new ModelChoice(model, lengthModel, chat), threads, kvMib * BYTES_PER_MIB),
        maxNewTokens,
        partitions == 0 ? TASKS_PER_SLOT * slots : partitions,
        inFlight,
        balance);
  }
}
