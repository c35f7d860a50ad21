package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.examples.model.SmallModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GenerationJobTest {
  private static final EngineSettings ENGINE = new EngineSettings(ModelChoice.SMALL, 1, 0);

  private static SparkSession spark;

  @TempDir Path folder;
  private Path input;
  private Path output;

  @BeforeAll
  static void start() {
    spark = Sessions.local(2);
  }

  @AfterAll
  static void stop() throws IOException {
    spark.close();
    ExecutorEngine.closeIdle();
    PromptSizer.closeIdle();
  }

  @BeforeEach
  void name() {
    input = folder.resolve("input.jsonl");
    output = folder.resolve("output");
  }

  @Test
  void everyRow_isAnsweredOnce() throws IOException {
    Files.writeString(input, prompts(12));

    JobReport report = job(DataFormat.JSONL, Balance.PREDICTED, 3).run();

    List<Row> rows = rows(DataFormat.JSONL);
    assertThat(ids(rows)).doesNotHaveDuplicates().hasSize(12);
    assertThat(rows)
        .allSatisfy(
            row -> {
              assertThat(row.<String>getAs(Columns.ERROR)).isNull();
              assertThat(row.<String>getAs(Columns.TEXT)).isNotEmpty();
              assertThat(row.<String>getAs(Columns.FINISH_REASON)).isIn("stop", "length");
              assertThat(row.<Integer>getAs(Columns.OUTPUT_TOKENS)).isBetween(1, 24);
              assertThat(row.<Integer>getAs(Columns.PREDICTED_TOKENS)).isBetween(1, 24);
              assertThat(row.<Integer>getAs(Columns.ATTEMPT)).isEqualTo(1);
            });
    assertThat(report.answered()).isEqualTo(12);
    assertThat(report.taskMillis()).hasSize(3);
    assertThat(output.resolve("_s3_checkpoint")).doesNotExist();
    System.out.println(report.summary());
  }

  private GenerationJob job(DataFormat format, Balance balance, int partitions) {
    return new GenerationJob(
        spark,
        new JobOptions(
            input.toString(),
            format,
            output.toString(),
            format,
            ENGINE,
            24,
            partitions,
            8,
            balance));
  }

  private List<Row> rows(DataFormat format) {
    return spark
        .read()
        .schema(Columns.OUTPUT)
        .format(format.sparkName())
        .load(output.toString())
        .collectAsList();
  }

  private static List<String> ids(List<Row> rows) {
    return rows.stream().map(row -> row.<String>getAs(Columns.ID)).toList();
  }

  private static String prompts(int count) {
    return SmallModel.promptsJsonl().lines().limit(count).collect(Collectors.joining("\n"));
  }
}
