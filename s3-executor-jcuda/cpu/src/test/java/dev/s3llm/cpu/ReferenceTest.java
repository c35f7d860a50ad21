package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.testkit.HandDrivenSequence;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Logits and greedy tokens against Hugging Face transformers, in fp32, on models with random
 * weights ({@code src/test/reference/reference.py} of s3-model makes the fixtures): multi-head,
 * grouped-query with scaled rotary embedding, Qwen2 with biases in two shards, and GPT-J.
 */
class ReferenceTest {
  private static final Path FIXTURES = Path.of("../model/src/test/resources/reference");
  private static final Path FAMILIES = Path.of("../model/src/test/resources/families");
  private static final double TOLERANCE = 1e-4;
  private static final double RELATIVE_TOLERANCE = 1e-5;

  @ParameterizedTest
  @ValueSource(strings = {"llama-mha", "llama-gqa", "qwen2", "gptj"})
  void logitsAndGreedyTokens_equalTransformers(String name) throws IOException {
    JsonNode expected =
        new ObjectMapper().readTree(Files.readString(FIXTURES.resolve(name + "/expected.json")));
    try (CpuExecutor executor = CpuExecutor.builder(FIXTURES.resolve(name)).build()) {
      double worst = 0;
      for (int i = 0; i < expected.get("prompts").size(); i++) {
        HandDrivenSequence sequence = sequence(i, ints(expected.get("prompts").get(i)));
        worst = Math.max(worst, difference(executor, sequence, expected.get("logits").get(i)));
        assertThat(greedy(executor, sequence, 32))
            .as("%s, prompt %d", name, i)
            .isEqualTo(ints(expected.get("greedy").get(i)));
      }
      System.out.printf("reference %s: largest logit difference %.2e%n", name, worst);
      assertThat(worst).isLessThan(TOLERANCE);
    }
  }

  /** The same for each model family, with every feature of each ({@code families.py --tiny}). */
  @ParameterizedTest
  @MethodSource("families")
  void everyFamily_equalsTransformers(String name) throws IOException {
    compare(name, 1);
  }

  /** The same in shards; with four of them, two have the same head of keys in most families. */
  @ParameterizedTest
  @MethodSource("families")
  void everyFamilyInShards_equalsTransformers(String name) throws IOException {
    compare(name, 2);
    compare(name, 4);
  }

  private static void compare(String name, int shards) throws IOException {
    Path folder = FAMILIES.resolve(name);
    JsonNode expected =
        new ObjectMapper().readTree(Files.readString(folder.resolve("expected.json")));
    try (CpuExecutor executor = executor(folder, expected.get("context").asInt(), shards)) {
      double squares = 0;
      double all = 0;
      for (int i = 0; i < expected.get("prompts").size(); i++) {
        HandDrivenSequence sequence = sequence(i, ints(expected.get("prompts").get(i)));
        JsonNode logits = expected.get("logits").get(i);
        float[] actual = executor.logits(sequence.chunk(Integer.MAX_VALUE).alone());
        for (int j = 0; j < logits.size(); j++) {
          squares += Math.pow(actual[j] - logits.get(j).asDouble(), 2);
          all += Math.pow(logits.get(j).asDouble(), 2);
        }
        assertThat(greedy(executor, sequence, 32))
            .as("%s, prompt %d", name, i)
            .isEqualTo(ints(expected.get("greedy").get(i)));
      }
      double relative = Math.sqrt(squares / all);
      System.out.printf(
          "family %s, shards %d: RMS of the difference over RMS %.2e%n", name, shards, relative);
      assertThat(relative).isLessThan(RELATIVE_TOLERANCE);
    }
  }

  static List<String> families() throws IOException {
    try (Stream<Path> folders = Files.list(FAMILIES)) {
      return folders.map(folder -> folder.getFileName().toString()).sorted().toList();
    }
  }

  private static CpuExecutor executor(Path folder, int context, int shards) {
    try (ModelFiles files = ModelFiles.open(folder, context)) {
      return CpuExecutor.builder(files.config(), files.tensors()).shards(shards).build();
    }
  }

  private static HandDrivenSequence sequence(int id, int[] prompt) {
    int blocks = (prompt.length + 32) / 16 + 1;
    return new HandDrivenSequence(
        id, prompt, SamplingParameters.GREEDY, IntStream.range(3, 3 + blocks).toArray());
  }

  private static double difference(
      CpuExecutor executor, HandDrivenSequence sequence, JsonNode logits) {
    float[] actual = executor.logits(sequence.chunk(Integer.MAX_VALUE).alone());
    double worst = 0;
    for (int i = 0; i < logits.size(); i++) {
      worst = Math.max(worst, Math.abs(actual[i] - logits.get(i).asDouble()));
    }
    return worst;
  }

  /** Decodes from KV as the logits left it: the prompt's last token is computed again. */
  private static int[] greedy(CpuExecutor executor, HandDrivenSequence sequence, int count) {
    for (int n = 0; n < count; n++) {
      int token = executor.execute(sequence.alone()).toCompletableFuture().join().tokens()[0];
      sequence.append(token);
      sequence.chunk(Integer.MAX_VALUE);
    }
    return sequence.output();
  }

  private static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }
}
