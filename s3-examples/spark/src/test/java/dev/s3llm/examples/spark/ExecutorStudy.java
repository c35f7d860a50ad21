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
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.Random;
import org.apache.spark.sql.SparkSession;

/**
 * Prints the rows per second, and the time of the slowest task over the mean. Arguments: rows,
 * partitions, then the runs, each as {@code EXECUTORS,INPUT,BALANCE}. The input is {@code sorted}
 * by kind of prompt, as data sets often are, or {@code shuffled}. The README has the command. Each
 * executor has one slot and one thread, and is warmed up.
 */
final class ExecutorStudy {
  private static final int MAX_NEW_TOKENS = 256;
  private static final int IN_FLIGHT = 4;
  private static final int WARM_UP_ROWS = 32;

  private final Path folder;
  private final int partitions;

  private ExecutorStudy(Path folder, int partitions) {
    this.folder = folder;
    this.partitions = partitions;
  }

  public static void main(String[] arguments) throws IOException {
    Path target = Files.createDirectories(Path.of("target"));
    Path folder = Files.createTempDirectory(target, "executor-study");
    ExecutorStudy study = new ExecutorStudy(folder, Integer.parseInt(arguments[1]));
    List<String> rows = rows(Integer.parseInt(arguments[0]));
    Files.write(folder.resolve("sorted"), rows);
    Collections.shuffle(rows, new Random(1));
    Files.write(folder.resolve("shuffled"), rows);
    Files.write(folder.resolve("few"), rows.subList(0, Math.min(WARM_UP_ROWS, rows.size())));
    System.out.printf("%d rows, %s partitions%n", rows.size(), arguments[1]);
    System.out.println(
        "executors,input,balance: rows/s, tokens/s; slowest task over mean: time, tokens");
    List<Run> runs = Arrays.stream(arguments).skip(2).map(Run::parse).toList();
    for (int executors : runs.stream().mapToInt(Run::executors).distinct().toArray()) {
      try (SparkSession spark = Sessions.cluster(executors, "", Map.of())) {
        study.run(spark, new Run(executors, "few", Balance.PREDICTED));
        for (Run run : runs) {
          if (run.executors == executors) {
            System.out.println(study.run(spark, run));
          }
        }
      }
    }
  }

  private String run(SparkSession spark, Run run) throws IOException {
    Path output = Files.createTempDirectory(folder, "output");
    JobReport report =
        new GenerationJob(
                spark,
                new JobOptions(
                    new DataSet(folder.resolve(run.input).toString(), DataFormat.JSONL),
                    new DataSet(output.toString(), DataFormat.JSONL),
                    new EngineSettings(ModelChoice.SMALL, 1, 0),
                    MAX_NEW_TOKENS,
                    partitions,
                    IN_FLIGHT,
                    run.balance))
            .run();
    return String.format(
        Locale.ROOT,
        "%d,%s,%s: %.2f, %.0f; %.2f, %.2f",
        run.executors,
        run.input,
        run.balance,
        report.rowsPerSecond(),
        report.outputTokens() / report.generateSeconds(),
        report.slowestOverMean(),
        tokensSlowestOverMean(spark, output));
  }

  /** Returns {@link JobReport#slowestOverMean} for tokens instead of time, which have no noise. */
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

  private static List<String> rows(int count) throws JsonProcessingException {
    List<String> prompts = SmallModel.promptsJsonl().lines().sorted().toList();
    ObjectMapper mapper = new ObjectMapper();
    List<String> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) { // more rows than prompts repeat the prompts
      Map<?, ?> row =
          mapper.readValue(prompts.get((int) ((long) i * prompts.size() / count)), Map.class);
      rows.add(
          mapper.writeValueAsString(
              Map.of("id", row.get("id") + "-" + i, "prompt", row.get("prompt"))));
    }
    return rows;
  }

  private record Run(int executors, String input, Balance balance) {
    static Run parse(String text) {
      String[] parts = text.split(",", 3);
      return new Run(
          Integer.parseInt(parts[0]), parts[1], Balance.valueOf(parts[2].toUpperCase(Locale.ROOT)));
    }
  }
}
