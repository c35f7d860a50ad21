package dev.s3llm.examples.spark;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import dev.s3llm.text.TextRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The job on executors in processes of their own. */
@Timeout(280)
class LocalClusterTest {
  private static final String FAST_START = "-XX:+UseSerialGC";
  private static final int ROWS = 16;
  private static final int MAX_NEW_TOKENS = 16;

  /** Interprets expressions, because compiling them takes longer for so few rows. */
  private static final Map<String, String> INTERPRETED =
      Map.of(
          "spark.sql.codegen.wholeStage", "false",
          "spark.sql.codegen.factoryMode", "NO_CODEGEN");

  @TempDir Path folder;

  @Test
  void killedExecutor_losesNoRowAndDoublesNone() throws Exception {
    Path input = folder.resolve("input.jsonl");
    Path output = folder.resolve("output");
    Files.writeString(input, prompts());
    JobOptions options =
        new JobOptions(
            new DataSet(input.toString(), DataFormat.JSONL),
            new DataSet(output.toString(), DataFormat.JSONL),
            new EngineSettings(ModelChoice.SMALL, 1, 0),
            MAX_NEW_TOKENS,
            6,
            6,
            Balance.PREDICTED);

    List<Row> rows;
    try (SparkSession spark = Sessions.cluster(2, FAST_START, INTERPRETED)) {
      GenerationJob job = new GenerationJob(spark, options);
      CompletableFuture<JobReport> running = CompletableFuture.supplyAsync(job::run);
      while (committed(output) == 0) {
        assertThat(running).isNotDone();
        Thread.sleep(5);
      }
      assertThat(executors()).hasSize(2);
      assertThat(executors().get(0).destroyForcibly()).isTrue();
      JobReport report = running.get(240, TimeUnit.SECONDS);
      System.out.println(report.summary());
      rows = spark.read().schema(Columns.OUTPUT).json(output.toString()).collectAsList();
    }

    Map<String, String> texts = new HashMap<>();
    rows.forEach(row -> texts.put(row.getAs(Columns.ID), row.getAs(Columns.TEXT)));
    assertThat(rows).hasSize(ROWS);
    assertThat(texts).isEqualTo(expected());
    assertThat(rows).anyMatch(row -> row.<Integer>getAs(Columns.ATTEMPT) > 1);
  }

  /** The addresses of the discovery script arrive at the task that uses the GPUs. */
  @Test
  void tasks_getTheGpusThatSparkGivesThem() throws IOException {
    Path script = folder.resolve("gpus.sh");
    Files.writeString(
        script, "#!/bin/sh\necho '{\"name\": \"gpu\", \"addresses\": [\"3\", \"5\"]}'\n");
    assertThat(script.toFile().setExecutable(true)).isTrue();
    Map<String, String> resources =
        Map.of(
            "spark.worker.resource.gpu.amount", "2",
            "spark.worker.resource.gpu.discoveryScript", script.toString(),
            "spark.executor.resource.gpu.amount", "2",
            "spark.task.resource.gpu.amount", "2");

    try (SparkSession spark = Sessions.cluster(1, FAST_START, resources)) {
      MapFunction<Long, String> gpus = n -> ExecutorEngine.gpus(TaskContext.get()).toString();
      assertThat(spark.range(0, 2, 1, 2).map(gpus, Encoders.STRING()).collectAsList())
          .containsExactly("[3, 5]", "[3, 5]");
    }
  }

  /** Returns the texts that an engine without Spark gives. */
  private static Map<String, String> expected() throws IOException {
    Path model = SmallModel.unpack();
    Map<String, TextGeneration> running = new HashMap<>();
    try (TextGenerator generator =
        TextGenerator.of(
            S3Engine.builder(CpuExecutor.builder(model).build()).build(), TextModel.load(model))) {
      for (String line : prompts().lines().toList()) {
        Map<?, ?> row = new ObjectMapper().readValue(line, Map.class);
        running.put(
            (String) row.get("id"),
            generator.submit(
                TextRequest.builder()
                    .prompt((String) row.get("prompt"))
                    .maxNewTokens(MAX_NEW_TOKENS)
                    .build()));
      }
      return running.entrySet().stream()
          .collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue().result().join().text()));
    }
  }

  /** Returns the executors: the children of this JVM, which runs master and workers. */
  private static List<ProcessHandle> executors() {
    return ProcessHandle.current()
        .children()
        .filter(process -> process.info().command().orElse("").endsWith("java"))
        .toList();
  }

  private static int committed(Path output) throws IOException {
    if (!Files.isDirectory(output)) {
      return 0;
    }
    try (Stream<Path> files = Files.list(output)) {
      return (int) files.filter(file -> file.getFileName().toString().startsWith("part-")).count();
    }
  }

  private static String prompts() {
    return SmallModel.promptsJsonl().lines().limit(ROWS).collect(Collectors.joining("\n"));
  }
}
