package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.model.SmallModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
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
  void badRows_areKeptWithTheirReason_andTheOthersAreAnsweredOnce() throws IOException {
    Files.writeString(
        input,
        prompts(6)
            + """

            {"id": "gsm8k-01", "prompt": "The id was there before."}
            {"id": "blank", "prompt": "  "}
            {"id": "limit", "prompt": "Hello", "max_new_tokens": 0}
            {"id": "long", "prompt": "Hello", "max_new_tokens": 5000}
            {"prompt": "I have no id."}
            {"prompt": "Nor have I."}
            {"id": "short", "prompt": "Say it.", "max_new_tokens": 2}
            no JSON
            """);

    JobReport report = job(Balance.PREDICTED, 3).run();

    Map<String, String> errors = new HashMap<>();
    for (Row row : rows()) {
      String key = row.getAs(Columns.ID) + "/" + row.getAs(Columns.COPY);
      assertThat(errors).doesNotContainKey(key);
      errors.put(key, row.getAs(Columns.ERROR));
      assertThat(row.<String>getAs(Columns.TEXT) == null)
          .isEqualTo(row.<String>getAs(Columns.ERROR) != null);
    }
    assertThat(errors).hasSize(14);
    assertThat(errors.get("gsm8k-01/1")).isNull();
    assertThat(errors.get("short/1")).isNull();
    assertThat(errors.get("gsm8k-01/2")).isEqualTo("duplicate: an earlier row has this id");
    assertThat(errors.get("blank/1")).isEqualTo("refused: no prompt");
    assertThat(errors.get("limit/1")).endsWith("must be at least 1, but is 0");
    assertThat(errors.get("long/1")).startsWith("too long: prompt and limit need 50");
    assertThat(errors)
        .containsEntry("null/1", "refused: no id")
        .containsEntry("null/2", "refused: no id")
        .containsEntry("null/3", "refused: no JSON object with id and prompt: no JSON");
    assertThat(report.answered()).isEqualTo(7);
    assertThat(report.failed()).isEqualTo(7);
    assertThat(report.taskMillis()).hasSize(3);
    assertThat(output.resolve("_s3_checkpoint")).doesNotExist();
  }

  @Test
  void endedJob_isContinuedWhereItsTasksCommitted() throws Exception {
    Files.writeString(input, prompts(16));
    GenerationJob first = job(Balance.PREDICTED, 8);
    CompletableFuture<JobReport> running = CompletableFuture.supplyAsync(first::run);
    while (partFiles().isEmpty()) {
      assertThat(running).isNotDone();
      Thread.sleep(5);
    }
    spark.sparkContext().cancelAllJobs();
    assertThatThrownBy(running::get).isInstanceOf(ExecutionException.class);
    int there = rows().size();
    assertThat(there).isBetween(1, 15);

    JobReport rest = job(Balance.EVEN, 2).run();
    JobReport nothing = job(Balance.PREDICTED, 2).run();

    List<String> ids = rows().stream().map(row -> row.<String>getAs(Columns.ID)).toList();
    assertThat(ids).doesNotHaveDuplicates().hasSize(16);
    assertThat(rest.skipped()).isEqualTo(there);
    assertThat(rest.answered()).isEqualTo(16 - there);
    assertThat(nothing.skipped()).isEqualTo(16);
    assertThat(nothing.answered() + nothing.failed()).isZero();
  }

  @Test
  void inputMayGrow_butNotByAnotherFirstRowOfAnAnsweredId() throws IOException {
    input = Files.createDirectory(folder.resolve("inputs"));
    Files.writeString(
        input.resolve("b.jsonl"),
        """
        {"id": "old", "prompt": "Say it."}
        """);
    job(Balance.EVEN, 1).run();
    Files.writeString(
        input.resolve("c.jsonl"),
        """
        {"id": "new", "prompt": "Say it."}
        {"id": "old", "prompt": "Count to 3"}
        """);
    JobReport grown = job(Balance.EVEN, 1).run();
    Files.writeString(
        input.resolve("a.jsonl"),
        """
        {"id": "old", "prompt": "Count to 4"}
        """);

    assertThat(grown.answered()).isEqualTo(1);
    assertThat(grown.failed()).isEqualTo(1);
    assertThatThrownBy(job(Balance.EVEN, 1)::run)
        .hasStackTraceContaining(
            "the input has changed: the output has another prompt for the id old");
    assertThat(
            rows().stream()
                .map(row -> row.getAs(Columns.ID) + " " + row.getAs(Columns.COPY))
                .toList())
        .containsExactlyInAnyOrder("old 1", "new 1", "old 2");
  }

  /** Without this, a job could not be continued, because its input would seem to have changed. */
  @Test
  void oddPrompts_areKnownAgainInTheOutput() throws IOException {
    Files.writeString(
        input,
        """
        {"id": "escapes", "prompt": " \\ud800 \\u0000 \\r\\n \\u2028 \\" "}
        {"id": "blank", "prompt": " "}
        {"id": "none"}
        """);
    Path parquet = folder.resolve("input.parquet");
    spark
        .sql("SELECT 'no UTF-8' AS id, CAST(X'41FF42E282' AS STRING) AS prompt")
        .write()
        .parquet(parquet.toString());

    for (DataFormat format : DataFormat.values()) {
      OutputRows there =
          new OutputRows(spark, new DataSet(folder.resolve(format.name()).toString(), format));
      for (Dataset<Row> rows :
          List.of(
              InputRows.read(spark, new DataSet(input.toString(), DataFormat.JSONL)),
              InputRows.read(spark, new DataSet(parquet.toString(), DataFormat.PARQUET)))) {
        there.append(asAnswered(rows));
        assertThat(there.missing(rows).collectAsList()).isEmpty();
      }
    }
  }

  @Test
  void commandLine_readsParquetAndWritesJsonLines() throws IOException {
    spark
        .sql(
            """
            SELECT id, concat('Count to ', id) AS prompt, CAST(3 AS BIGINT) AS max_new_tokens
            FROM range(5, 8)""")
        .write()
        .parquet(input.toString());

    int code =
        SparkGenerate.commandLine()
            .execute(
                ("--input %s --format parquet --output %s --output-format jsonl --partitions 2 "
                        + "--in-flight 2 --threads 1 --kv-mib 8 --balance even")
                    .formatted(input, output)
                    .split(" "));
    spark = Sessions.local(2); // the command has closed it

    assertThat(code).isZero();
    ObjectMapper mapper = new ObjectMapper();
    Map<String, Integer> tokens = new HashMap<>();
    for (Path file : partFiles()) {
      for (String line : Files.readAllLines(file)) {
        Map<?, ?> row = mapper.readValue(line, Map.class);
        assertThat(row.get(Columns.TEXT)).isInstanceOf(String.class);
        tokens.put((String) row.get(Columns.ID), (Integer) row.get(Columns.OUTPUT_TOKENS));
      }
    }
    assertThat(tokens).containsOnlyKeys("5", "6", "7");
    assertThat(tokens.values()).allMatch(count -> count >= 1 && count <= 3);
    assertThat(partFiles()).hasSize(2);
  }

  @Test
  void limits_areReadAlikeFromBothFormats_andRefusedWithTheirOwnReason() throws IOException {
    Files.writeString(
        input,
        """
        {"id": "number", "prompt": "p", "max_new_tokens": 64}
        {"id": "text", "prompt": "p", "max_new_tokens": " 64 "}
        {"id": "fraction", "prompt": "p", "max_new_tokens": 64.5}
        {"id": "less", "prompt": "p", "max_new_tokens": 0.5}
        {"id": "word", "prompt": "p", "max_new_tokens": "some"}
        {"id": "large", "prompt": "p", "max_new_tokens": 5000000000}
        {"id": "null", "prompt": "p", "max_new_tokens": null}
        {"id": "none", "prompt": "p"}
        """);
    Path parquet = folder.resolve("input.parquet");
    spark
        .read()
        .schema("id STRING, prompt STRING, max_new_tokens STRING")
        .json(input.toString())
        .write()
        .parquet(parquet.toString());

    for (Dataset<Row> rows :
        List.of(
            InputRows.read(spark, new DataSet(input.toString(), DataFormat.JSONL)),
            InputRows.read(spark, new DataSet(parquet.toString(), DataFormat.PARQUET)))) {
      assertThat(
              rows
                  .select(Columns.ID, Columns.MAX_NEW_TOKENS, Columns.ERROR)
                  .collectAsList()
                  .stream()
                  .map(Row::toString))
          .containsExactlyInAnyOrder(
              "[number,64,null]",
              "[text,64,null]",
              "[fraction,64,null]",
              "[less,0,refused: max_new_tokens must be at least 1, but is 0.5]",
              "[word,null,refused: max_new_tokens is no such number: some]",
              "[large,null,refused: max_new_tokens is no such number: 5000000000]",
              "[null,null,null]",
              "[none,null,null]");
    }
  }

  @Test
  void parquetWithoutPrompts_isRefusedWithItsColumns() {
    spark.range(3).write().parquet(input.toString());

    assertThatThrownBy(
            () -> InputRows.read(spark, new DataSet(input.toString(), DataFormat.PARQUET)))
        .hasMessageContaining("must have the columns id and prompt, but has [id]");
  }

  @Test
  void outputOfAnotherFormat_isRefused() throws IOException {
    Files.writeString(input, prompts(1));
    Files.createDirectories(output);
    Files.writeString(output.resolve("part-00000.json"), "{}");

    assertThatThrownBy(job(Balance.PREDICTED, 1)::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("is to be PARQUET, but holds");
  }

  private GenerationJob job(Balance balance, int partitions) {
    return new GenerationJob(
        spark,
        new JobOptions(
            new DataSet(input.toString(), DataFormat.JSONL),
            new DataSet(output.toString(), DataFormat.PARQUET),
            ENGINE,
            16,
            partitions,
            8,
            balance));
  }

  private List<Row> rows() {
    return spark.read().schema(Columns.OUTPUT).parquet(output.toString()).collectAsList();
  }

  private List<Path> partFiles() throws IOException {
    if (!Files.isDirectory(output)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(output)) {
      return files.filter(file -> file.getFileName().toString().startsWith("part-")).toList();
    }
  }

  private static Dataset<Row> asAnswered(Dataset<Row> rows) {
    MapFunction<Row, Row> answered =
        row ->
            new PlacedRow(row.getAs(Columns.ID), 1, row.getAs(Columns.PROMPT), 0, 1, 1, null)
                .answered("text", 1, "stop", 1);
    return rows.map(answered, Encoders.row(Columns.OUTPUT));
  }

  private static String prompts(int count) {
    return SmallModel.promptsJsonl().lines().limit(count).collect(Collectors.joining("\n"));
  }
}
