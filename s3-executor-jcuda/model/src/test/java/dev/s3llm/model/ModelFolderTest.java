package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFolderTest {
  private static final Path REFERENCE = Path.of("src/test/resources/reference");

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"llama-mha", "llama-gqa", "qwen2", "gptj"})
  void bothLayoutsOfAConfiguration_sayTheSame(String name) throws IOException {
    ModelConfig recent = ModelConfig.read(REFERENCE.resolve(name));
    Files.copy(REFERENCE.resolve(name + "/config.v4.json"), folder.resolve("config.json"));
    ModelConfig earlier = ModelConfig.read(folder);
    assertThat(frequencies(earlier)).isEqualTo(frequencies(recent));
    assertThat(earlier.headSize()).isEqualTo(recent.headSize());
    assertThat(earlier.stopTokens()).isEqualTo(recent.stopTokens());
  }

  @ParameterizedTest
  @CsvSource({
    "hidden_size, 0",
    "hidden_size, -4",
    "hidden_size, 1.5",
    "hidden_size, 99999999999",
    "vocab_size, null",
    "num_hidden_layers, true",
    "num_attention_heads, 3000000000",
    "num_key_value_heads, 3",
    "head_dim, 15",
    "rms_norm_eps, 0",
    "model_type, \"gpt2\"",
    "hidden_act, \"gelu\"",
    "max_position_embeddings, \"many\"",
    "head_dim, 65538",
    "num_attention_heads, 16777216",
    "eos_token_id, 99999999999",
    "eos_token_id, -1",
    "eos_token_id, \"2\"",
    "eos_token_id, '[1, null]'",
  })
  void badField_isNamed(String field, String value) throws IOException {
    ObjectMapper mapper = new ObjectMapper();
    ObjectNode config =
        (ObjectNode) mapper.readTree(Files.readString(REFERENCE.resolve("llama-mha/config.json")));
    config.set(field, mapper.readTree(value));
    Files.writeString(folder.resolve("config.json"), config.toString());
    assertThatThrownBy(() -> ModelConfig.read(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(field);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "{", "{\"a\":1,\"a\":2}", "{} {}", "\uFEFF{}"})
  void badJson_isRefused(String json) throws IOException {
    Files.writeString(folder.resolve("config.json"), json);
    assertThatThrownBy(() -> ModelConfig.read(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("config.json");
  }

  @Test
  void missingFiles_areNamed() {
    assertThatThrownBy(() -> ModelConfig.read(folder))
        .hasMessageContaining("config.json is missing");
    assertThatThrownBy(() -> WeightFiles.open(folder)).hasMessageContaining("model.safetensors");
  }

  @ParameterizedTest
  @ValueSource(strings = {"missing.safetensors", "a/b.safetensors", "", "..", "a\\u0000b"})
  void shardThatIsNoFile_isRefused(String shard) throws IOException {
    Files.writeString(
        folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"a\":\"" + shard + "\"}}");
    assertThatThrownBy(() -> WeightFiles.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(folder.toString());
  }

  @Test
  void weightsOfAnotherShape_areNamed() throws IOException {
    Path source = REFERENCE.resolve("llama-mha");
    ModelConfig config = ModelConfig.read(source);
    ModelConfig wider =
        new ModelConfig(
            config.family(),
            config.vocabulary(),
            128,
            config.maxContextTokens(),
            config.norms(),
            config.attention(),
            config.scales(),
            config.layers());
    try (WeightFiles files = WeightFiles.open(source)) {
      assertThatThrownBy(() -> ModelTensors.of(wider, files))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("model.embed_tokens.weight")
          .hasMessageContaining("[256, 64]");
    }
  }

  private static float[] frequencies(ModelConfig config) {
    return Objects.requireNonNull(config.layers().get(0).rope()).frequencies();
  }
}
