package dev.s3llm.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.family.Families;
import dev.s3llm.model.testing.GgufBytes;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Models that llama.cpp's converter wrote are as their folders were; see {@code
 * src/test/reference/gguf_models.py}.
 */
class GgufModelTest {
  private static final String EXPERTS = "mlp.experts.";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama",
        "mixtral",
        "qwen2",
        "qwen3",
        "qwen3moe",
        "gemma2",
        "gemma3",
        "phi3",
        "smollm3",
        "olmo2",
        "granite",
        "gpt-oss"
      })
  void convertedModel_hasTheConfigurationAndTensorsOfItsFolder(String name) throws Exception {
    try (GgufModel model = GgufModel.open(resource(name + ".gguf"))) {
      ModelConfig config = config(model.config());
      assertThat(config)
          .usingRecursiveComparison()
          .withComparatorForType(GgufModelTest::closely, Float.class)
          .isEqualTo(config(json(name + ".config.json")));
      checkTensors(model.tensors(), json(name + ".tensors.json"), config.tiedOutput());
      assertThat(ModelTensors.of(config, model.tensors()).layers()).hasSize(config.layers().size());
    }
  }

  private static int closely(float a, float b) {
    return Math.abs(a - b) <= 2e-7f * Math.abs(a) ? 0 : Float.compare(a, b);
  }

  private static ModelConfig config(JsonNode json) {
    return Families.read("test", json, MissingNode.getInstance(), 0);
  }

  private static void checkTensors(TensorSource tensors, JsonNode shapes, boolean tied) {
    Set<String> names = new TreeSet<>(tensors.names());
    for (Map.Entry<String, JsonNode> own : shapes.properties()) {
      String name = own.getKey();
      long[] shape =
          StreamSupport.stream(own.getValue().spliterator(), false)
              .mapToLong(JsonNode::longValue)
              .toArray();
      if (tied && name.equals("lm_head.weight")) {
        continue;
      }
      if (name.contains("_proj_b") || name.contains("_proj_s")) {
        names.removeAll(checkPart(tensors, name, shape));
      } else {
        assertThat(names.remove(name)).as(name).isTrue();
        assertThat(tensors.tensor(name, shape).floats())
            .as(name)
            .containsExactly(values(name, shape));
      }
    }
    assertThat(names).as("tensors that the folder has not").isEmpty();
  }

  /** Checks gpt-oss's experts, which are apart here, and returns the names of what was checked. */
  private static Set<String> checkPart(TensorSource tensors, String name, long... shape) {
    String prefix = name.substring(0, name.indexOf(EXPERTS) + EXPERTS.length());
    boolean down = name.contains("down_proj");
    Set<String> checked = new TreeSet<>();
    for (int expert = 0; expert < shape[0]; expert++) {
      for (String part : down ? List.of("down_proj") : List.of("gate_proj", "up_proj")) {
        int first = part.equals("up_proj") ? 1 : 0;
        String own = prefix + expert + "." + part;
        if (name.endsWith("_blocks")) {
          checkBlocks(tensors, own + ".weight", name, expert, first, down ? 1 : 2, shape);
          checked.add(own + ".weight");
        } else if (name.endsWith("_bias")) {
          float[] all = values(name, shape);
          float[] bias = tensors.tensor(own + ".bias", shape[1] / (down ? 1 : 2)).floats();
          for (int row = 0; row < bias.length; row++) {
            int at = (int) (expert * shape[1]) + row * (down ? 1 : 2) + first;
            assertThat(bias[row]).as("%s %d", own, row).isEqualTo(all[at]);
          }
          checked.add(own + ".bias");
        }
      }
    }
    return checked;
  }

  private static void checkBlocks(
      TensorSource tensors,
      String own,
      String name,
      int expert,
      int first,
      int step,
      long... shape) {
    int rows = (int) shape[1] / step;
    int groups = (int) shape[2];
    var tensor = tensors.tensor(own, rows, 32L * groups);
    assertThat(tensor.type()).isEqualTo(ElementType.MXFP4);
    float[] values = tensor.floats();
    String scales = name.replace("_blocks", "_scales");
    double[] e2m1 = {0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6};
    for (int i = 0; i < values.length; i++) {
      int row = i / (32 * groups) * step + first;
      int group = i / 32 % groups;
      long block = (expert * shape[1] + row) * groups + group;
      int octet = (int) (number(name, block * 16 + i % 32 / 2) >> 24);
      int scale = 120 + (int) ((number(scales, block) >> 24) % 12);
      double expected = e2m1[(octet >> (i % 2 * 4)) & 15] * Math.scalb(1.0, scale - 127);
      assertThat((double) values[i]).as("%s %d", own, i).isEqualTo(expected);
    }
  }

  private static float[] values(String name, long... shape) {
    int count = 1;
    for (long size : shape) {
      count *= (int) size;
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = ((number(name, i) >> 21) - 1024) / 2048f;
    }
    return values;
  }

  private static long number(String name, long index) {
    CRC32 start = new CRC32();
    start.update(name.getBytes(StandardCharsets.UTF_8));
    return (start.getValue() + index * 2654435761L) & 0xFFFFFFFFL;
  }

  private static GgufBytes small() {
    return new GgufBytes()
        .put("general.architecture", "llama")
        .put("llama.embedding_length", 8)
        .put("llama.block_count", 1)
        .put("llama.feed_forward_length", 4)
        .put("llama.attention.head_count", 2)
        .put("llama.context_length", 16)
        .tensor("token_embd.weight", new float[24], 3, 8);
  }

  static Stream<Arguments> refused() {
    return Stream.of(
        Arguments.of(
            new GgufBytes().put("general.architecture", "mamba"),
            "general.architecture is mamba, which is not supported; supported: gemma2, gemma3"),
        Arguments.of(new GgufBytes(), "general.architecture is missing"),
        Arguments.of(
            new GgufBytes().put("general.type", "adapter").put("general.architecture", "llama"),
            "is a LoRA adapter"),
        Arguments.of(new GgufBytes().put("general.architecture", "clip"), "(mmproj) of a model"),
        Arguments.of(
            new GgufBytes().put("general.type", "imatrix"), "holds a imatrix, not a model"),
        Arguments.of(new GgufBytes().put("general.architecture", "llama"), "has a vocabulary only"),
        Arguments.of(
            small().put("llama.attention.clamp_kqv", 8f), "llama.attention.clamp_kqv is 8.0"),
        Arguments.of(
            small().put("llama.logit_scale", 0.5f).put("llama.new_thing", true),
            "llama.logit_scale (0.5), llama.new_thing (true)"),
        Arguments.of(
            small().put("llama.rope.scaling.type", "ntk").put("llama.rope.scaling.factor", 2f),
            "llama.rope.scaling.type is ntk"),
        Arguments.of(small().put("llama.rope.dimension_count", 2), "rope.dimension_count is 2"),
        Arguments.of(
            small().put("llama.attention.head_count_kv", List.of(1, 2)), "the same for all layers"),
        Arguments.of(
            small().tensor("blk.0.attn_q.lora_a", new float[8], 1, 8),
            "tensor blk.0.attn_q.lora_a"),
        Arguments.of(
            small()
                .tensor("blk.0.attn_sinks.weight", new float[2], 2)
                .tensor("cls.weight", new float[8], 1, 8),
            "tensor cls.weight is not known for the architecture llama"));
  }

  @ParameterizedTest
  @MethodSource
  void refused(GgufBytes bytes, String message) throws IOException {
    Path path = Files.write(folder.resolve("refused.gguf"), bytes.bytes());
    assertThatThrownBy(() -> GgufModel.open(path))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(path.toString())
        .hasMessageContaining(message);
  }

  @Test
  void endTokens_areThoseOfTheMetadataAndOfTheVocabulary() throws IOException {
    GgufBytes bytes =
        small()
            .put("tokenizer.ggml.tokens", List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"))
            .put("tokenizer.ggml.token_type", List.of(3, 3, 3))
            .put("tokenizer.ggml.eos_token_id", 2);
    Path path = Files.write(folder.resolve("small.gguf"), bytes.bytes());
    try (GgufModel model = GgufModel.open(path)) {
      assertThat(model.config().path("eos_token_id")).map(JsonNode::asInt).containsExactly(0, 2);
    }
  }

  @Test
  void llamaWithAWindow_isMistral() throws IOException {
    GgufBytes bytes = small().put("llama.attention.sliding_window", 8);
    Path path = Files.write(folder.resolve("small.gguf"), bytes.bytes());
    try (GgufModel model = GgufModel.open(path)) {
      assertThat(model.config().path("model_type").asText()).isEqualTo("mistral");
      assertThat(model.config().path("sliding_window").asInt()).isEqualTo(8);
    }
  }

  private static JsonNode json(String name) throws IOException, URISyntaxException {
    return new ObjectMapper().readTree(resource(name).toFile());
  }

  private static Path resource(String name) throws URISyntaxException {
    var url = GgufModelTest.class.getResource("/reference/gguf/" + name);
    return Path.of(assertThat(url).as(name).isNotNull().actual().toURI());
  }
}
