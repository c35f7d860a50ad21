package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.api.BugDetectors;
import com.code_intelligence.jazzer.api.SilentCloseable;
import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.s3llm.model.testing.Allocations;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Configurations and shard indexes of any content are read or refused with a typed error. An input
 * is up to three files with a zero byte between them.
 */
@Timeout(60)
class ModelFolderFuzzTest {
  private static final Path REFERENCE = Path.of("src/test/resources/reference");
  private static final String[] FILES = {
    "config.json", "generation_config.json", "model.safetensors.index.json"
  };
  private static final long BYTES_AT_LEAST = 8 << 20;
  private static final long BYTES_A_BYTE = 400;

  @TempDir static Path parent;

  static Stream<byte[]> seeds() {
    return Stream.of(
            reference("llama-mha/config.json"),
            reference("llama-gqa/config.json") + "\0{\"eos_token_id\": [3, 1, 2]}",
            reference("qwen2/config.v4.json") + "\0{\"eos_token_id\": 99999999999}",
            reference("gptj/config.json") + "\0[]",
            hostile("\"num_attention_heads\": 65536, \"head_dim\": 65536"),
            hostile("\"num_attention_heads\": 1, \"head_dim\": 16777216"),
            hostile("\"eos_token_id\": [\"2\", null, 1e30]"),
            reference("gptj/config.json").replace("\"n_head\": 4", "\"n_head\": 1"),
            "{\"model_type\":\"llama\"}",
            "{\"a\":" + "[".repeat(100),
            "\0\0{\"weight_map\":{\"a\":\"shard.safetensors\"}}",
            "\0\0{\"weight_map\":{\"a\":\"..\"}}",
            "\0\0{\"weight_map\":{\"a\":7}}",
            "\0\0{\"weight_map\":[\"shard.safetensors\"]}")
        .map(text -> text.getBytes(StandardCharsets.UTF_8));
  }

  private static String hostile(String fields) {
    return "{\"vocab_size\": 9, \"hidden_size\": 16777216, \"num_hidden_layers\": 16777216,"
        + " \"intermediate_size\": 4, \"max_position_embeddings\": 4, "
        + fields
        + "}";
  }

  private static String reference(String name) {
    try {
      return Files.readString(REFERENCE.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyFolder_isReadOrRefused(byte[] content) throws Exception {
    Path folder = Files.createDirectories(parent.resolve("model"));
    List<byte[]> files = split(content);
    for (int i = 0; i < FILES.length; i++) {
      if (i < files.size() && files.get(i).length > 0) {
        Files.write(folder.resolve(FILES[i]), files.get(i));
      } else {
        Files.deleteIfExists(folder.resolve(FILES[i]));
      }
    }
    SilentCloseable watch = // an index may name any file: its folder is trusted
        BugDetectors.setFilePathTraversalAllowPath(path -> true);
    try {
      Allocations.assertWithin(BYTES_AT_LEAST + BYTES_A_BYTE * content.length, () -> check(folder));
    } finally {
      watch.close();
    }
  }

  private static void check(Path folder) {
    try {
      ModelConfig config = ModelConfig.read(folder);
      assertThat((long) config.heads() * config.headSize()).isEqualTo(config.querySize());
      assertThat(config.stopTokens()).isSorted();
    } catch (ModelFormatException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
    try {
      WeightFiles.open(folder).close();
    } catch (ModelFormatException e) {
      assertThat(e).hasMessageStartingWith(folder.toString());
    }
  }

  private static List<byte[]> split(byte[] content) {
    List<byte[]> parts = new ArrayList<>();
    int start = 0;
    for (int i = 0; i <= content.length && parts.size() < FILES.length; i++) {
      if (i == content.length || content[i] == 0) {
        parts.add(Arrays.copyOfRange(content, start, i));
        start = i + 1;
      }
    }
    return parts;
  }
}
