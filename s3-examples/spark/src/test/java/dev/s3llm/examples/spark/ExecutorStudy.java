package dev.s3llm.examples.spark;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.sum;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.model.SmallModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.apache.spark.sql.SparkSession;

/**
 * Prints rows a second of one and of two executors, and how much longer than the mean the slowest
 * task takes with and without predictions. Arguments: repetitions of the 96 prompts, partitions.
 * The README names the command. Each executor has one slot and one thread.
 */
final class ExecutorStudy {
  private static final int MAX_NEW_TOKENS = 256;
  private static final int IN_FLIGHT = 16;

  private final Path folder;
  private final int partitions;

  private ExecutorStudy(Path folder, int partitions) {
    this.folder = folder;
    this.partitions = partitions;
  }

  public static void main(String[] arguments) throws IOException {
    int repetitions = Integer.parseInt(arguments[0]);
    Path folder = Files.createTempDirectory(Path.of("target"), "executor-study");
    ExecutorStudy study = new ExecutorStudy(folder, Integer.parseInt(arguments[1]));
    List<String> rows = rows(repetitions);
    Path sorted = Files.write(folder.resolve("sorted.jsonl"), rows);
    Collections.shuffle(rows, new Random(1));
    Path shuffled = Files.write(folder.resolve("shuffled.jsonl"), rows);
    System.out.printf("%d rows, %s partitions%n", rows.size(), arguments[1]);
    System.out.println(
        "executors, input, balance: rows/s, tokens/s; slowest task over mean: time, tokens");
    Path few = Files.write(folder.resolve("few.jsonl"), rows.subList(0, 8));
    for (int executors : new int[] {2, 1}) {
      try (SparkSession spark = Sessions.cluster(executors, "", Map.of())) {
        study.run(spark, executors, few, Balance.PREDICTED); // warms up
        study.run(spark, executors, shuffled, Balance.PREDICTED);
        if (executors > 1) {
          study.run(spark, executors, shuffled, Balance.EVEN);
          study.run(spark, executors, sorted, Balance.EVEN);
        }
      }
    }
  }

  private void run(SparkSession spark, int executors, Path input, Balance balance)
      throws IOException {
    Path output = Files.createTempDirectory(folder, "output");
    JobReport report =
        new GenerationJob(
                spark,
                new JobOptions(
                    input.toString(),
                    DataFormat.JSONL,
                    output.toString(),
                    DataFormat.JSONL,
                    new EngineSettings(ModelChoice.SMALL, 1, 0),
                    MAX_NEW_TOKENS,
                    partitions,
                    IN_FLIGHT,
                    balance))
            .run();
    System.out.printf(
        Locale.ROOT,
        "%d, %s, %s: %.2f, %.0f; %.2f, %.2f%n",
        executors,
        input.getFileName(),
        balance,
        report.rowsPerSecond(),
        report.outputTokens() / report.generateSeconds(),
        report.slowestOverMean(),
        tokensSlowestOverMean(spark, output));
  }

  /** What {@link JobReport#slowestOverMean} would be if time were tokens, without any noise. */
  private double tokensSlowestOverMean(SparkSession spark, Path output) {
    LongSummaryStatistics tokens =
        spark
            .read()
            .schema(Columns.OUTPUT)
            .json(output.toString())
            .groupBy(expr("_metadata.file_name"))
            .agg(sum(col(Columns.PROMPT_TOKENS).plus(col(Columns.OUTPUT_TOKENS))))
            .collectAsList()
            .stream()
            .mapToLong(row -> row.getLong(1))
            .summaryStatistics();
    return tokens.getMax() / ((double) tokens.getSum() / partitions);
  }

  /** The prompts, sorted by what they are, as data sets often are. */
  private static List<String> rows(int repetitions) throws JsonProcessingException {
    ObjectMapper mapper = new ObjectMapper();
    List<String> rows = new ArrayList<>();
    for (String line : SmallModel.promptsJsonl().lines().sorted().collect(Collectors.toList())) {
      Map<?, ?> row = mapper.readValue(line, Map.class);
      for (int i = 0; i < repetitions; i++) {
        rows.add(
            mapper.writeValueAsString(
                Map.of("id", row.get("id") + "-" + i, "prompt", row.get("prompt"))));
      }
    }
    return rows;
  }
}
