package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Configurations of models in use: what each key does to the arithmetic, or that it is refused. */
class ConfigCasesTest {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private static final String SIZES =
      """
      "vocab_size": 256, "hidden_size": 64, "intermediate_size": 160, "num_hidden_layers": 4,
      "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 32768,
      "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": false
      """;

  @TempDir Path folder;

  private ModelConfig read(String type, String more) throws IOException {
    ObjectNode config = (ObjectNode) MAPPER.readTree("{" + SIZES + "}");
    config.put("model_type", type);
    config.setAll((ObjectNode) MAPPER.readTree("{" + more + "}"));
    Files.writeString(folder.resolve("config.json"), config.toString());
    return ModelConfig.read(folder);
  }

  private static int[] windows(ModelConfig config) {
    return config.layers().stream().mapToInt(ModelConfig.Layer::window).toArray();
  }

  private static float[] frequencies(ModelConfig config, int layer) {
    return Objects.requireNonNull(config.layers().get(layer).rope()).frequencies();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "llama   | \"architectures\": [\"LlamaForSequenceClassification\"] | architectures",
        "llama   | \"rope_scaling\": {\"factor\": 4.0} | rope_scaling.rope_type",
        "llama   | \"rope_scaling\": {\"rope_type\": \"mystery\", \"factor\": 4.0} | mystery",
        "llama   | \"rope_scaling\": {\"rope_type\": \"linear\"} | rope_scaling.factor",
        "llama   | \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2, \"rotary_x\": 3} | rotary_x",
        "llama   | \"partial_rotary_factor\": 0.5 | partial_rotary_factor",
        "llama   | \"sliding_window\": 4096 | sliding_window",
        "llama   | \"attn_logit_softcapping\": 50.0 | attn_logit_softcapping",
        "llama   | \"residual_multiplier\": 0.22 | residual_multiplier",
        "llama   | \"use_qk_norm\": true | use_qk_norm",
        "llama   | \"clip_qkv\": 8 | clip_qkv",
        "llama   | \"num_local_experts\": 8 | num_local_experts",
        "llama   | \"eos_token_id\": 256 | eos_token_id",
        "llama   | \"eos_token_id\": [2, 300] | eos_token_id",
        "llama   | \"hidden_act\": \"relu\" | hidden_act",
        "mistral | \"sliding_window\": 0 | sliding_window",
        "qwen2   | \"layer_types\": [\"full_attention\"] | layer_types",
        "smollm3 | \"no_rope_layers\": [1, 1] | no_rope_layers",
        "mixtral | \"num_local_experts\": 2, \"num_experts_per_tok\": 3 | num_experts_per_tok",
        "gemma3_text | \"use_bidirectional_attention\": true | use_bidirectional_attention",
        "gpt_oss | \"swiglu_limit\": 5.0 | swiglu_limit",
        "phi3    | \"rope_scaling\": {\"type\": \"longrope\", \"short_factor\": [1], \"long_factor\": [1]} | short_factor",
      })
  void keyThatWouldChangeTheArithmetic_isRefusedByName(String type, String key, String named) {
    assertThatThrownBy(() -> read(type, key))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(named)
        .hasMessageContaining("config.json");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"pretraining_tp\": 2",
        "\"attention_dropout\": 0.1",
        "\"_name_or_path\": \"a/b\"",
        "\"unsloth_fixed\": true",
        "\"attn_logit_softcapping\": null",
        "\"use_qk_norm\": false",
        "\"residual_multiplier\": 1.0",
        "\"rope_scaling\": null",
        "\"rope_scaling\": {}",
        "\"transformers_version\": \"5.17\"",
        "\"auto_map\": {\"AutoModel\": \"x\"}",
        "\"architectures\": [\"LlamaForCausalLM\"]",
        "\"architectures\": [\"LLaMAForCausalLM\"]",
        "\"architectures\": []",
        "\"my_notes\": \"trained on a Tuesday\"",
      })
  void keyWithoutEffect_isAccepted(String key) throws IOException {
    assertThat(read("llama", key).layerCount()).isEqualTo(4);
  }

  @Test
  void missingOrUnknownModelType_isRefusedWithTheSortedNames() {
    assertThatThrownBy(() -> read("mamba", ""))
        .hasMessageContaining("model_type is mamba")
        .hasMessageContaining("gemma2, gemma3_text, gpt_oss, gptj, granite, llama, mistral");
    assertThatThrownBy(() -> read("llama", "\"model_type\": null"))
        .hasMessageContaining("model_type is missing");
  }

  @Test
  void windows_areThoseOfTransformers() throws IOException {
    assertThat(windows(read("mistral", "\"sliding_window\": 4096"))).containsOnly(4096);
    assertThat(windows(read("mistral", "\"sliding_window\": null"))).containsOnly(0);
    assertThat(windows(read("mistral", ""))).containsOnly(4096);
    assertThat(windows(read("qwen2", "\"sliding_window\": 4096"))).containsOnly(0);
    assertThat(
            windows(
                read(
                    "qwen2",
                    "\"sliding_window\": 64, \"use_sliding_window\": true,"
                        + " \"max_window_layers\": 2")))
        .containsExactly(0, 0, 64, 64);
    assertThat(windows(read("gpt_oss", "\"num_local_experts\": 4")))
        .containsExactly(128, 0, 128, 0);
    String gemma = "\"hidden_activation\": \"gelu_pytorch_tanh\", \"sliding_window\": 32";
    assertThat(windows(read("gemma2", gemma))).containsExactly(32, 0, 32, 0);
    assertThat(windows(read("gemma3_text", gemma + ", \"sliding_window_pattern\": 2")))
        .containsExactly(32, 0, 32, 0);
    assertThat(
            windows(
                read(
                    "gemma3_text",
                    gemma
                        + ", \"layer_types\": [\"full_attention\", \"sliding_attention\","
                        + " \"sliding_attention\", \"full_attention\"]")))
        .containsExactly(0, 32, 32, 0);
  }

  @Test
  void bothBasesOfGemma3_areRead() throws IOException {
    ModelConfig earlier =
        read(
            "gemma3_text",
            "\"sliding_window_pattern\": 2, \"rope_theta\": 1e6, \"rope_local_base_freq\": 1e4,"
                + " \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8.0}");
    ModelConfig recent =
        read(
            "gemma3_text",
            "\"sliding_window_pattern\": 2, \"rope_parameters\": {\"full_attention\":"
                + " {\"rope_type\": \"linear\", \"factor\": 8.0, \"rope_theta\": 1e6},"
                + " \"sliding_attention\": {\"rope_type\": \"default\", \"rope_theta\": 1e4}}");
    for (int layer = 0; layer < 2; layer++) {
      assertThat(frequencies(recent, layer)).isEqualTo(frequencies(earlier, layer));
    }
    assertThat(frequencies(recent, 0)[1]).isNotEqualTo(frequencies(recent, 1)[1]);
    assertThat(frequencies(recent, 1)[0]).isEqualTo(1 / 8f);
  }

  @Test
  void layersWithoutPositions_areEveryFourthOfSmolLm3() throws IOException {
    assertThat(IntStream.range(0, 4).filter(i -> unturned(i, "")).toArray()).containsExactly(3);
    assertThat(unturned(0, "\"no_rope_layers\": [0, 1, 1, 1]")).isTrue();
  }

  private boolean unturned(int layer, String key) {
    try {
      return read("smollm3", key).layers().get(layer).rope() == null;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void factorsOfLongContexts_areFixedByTheContextThatIsServed() throws IOException {
    String shorts = "[" + "1.0, ".repeat(7) + "1.0]";
    String longs = "[" + "4.0, ".repeat(7) + "4.0]";
    read(
        "phi3",
        "\"original_max_position_embeddings\": 4096, \"rope_scaling\": {\"type\": \"longrope\","
            + " \"short_factor\": %s, \"long_factor\": %s}".formatted(shorts, longs));
    assertThat(frequencies(ModelConfig.read(folder), 0)[0]).isEqualTo(0.25f);
    assertThat(frequencies(ModelConfig.read(folder, 4096), 0)[0]).isEqualTo(1f);
    assertThat(ModelConfig.read(folder, 4096).maxContextTokens()).isEqualTo(4096);
  }

  @Test
  void textModelInsideALargerOne_isRead() throws IOException {
    ObjectNode text = (ObjectNode) MAPPER.readTree("{" + SIZES + "}");
    text.put("model_type", "gemma3_text");
    ObjectNode config = MAPPER.createObjectNode();
    config.put("model_type", "gemma3");
    config.set("eos_token_id", MAPPER.readTree("[1, 106]"));
    config.set("text_config", text);
    config.set("vision_config", MAPPER.readTree("{\"hidden_size\": 32}"));
    Files.writeString(folder.resolve("config.json"), config.toString());
    ModelConfig read = ModelConfig.read(folder);
    assertThat(read.family()).isEqualTo("gemma3_text");
    assertThat(read.stopTokens()).containsExactly(1, 106);
  }

  @Test
  void parametersOfKnownModels_areCounted() {
    assertThat(ModelShapes.of("llama-13b").parameters()).isEqualTo(13_015_864_320L);
    assertThat(ModelShapes.of("gpt-j-6b").parameters()).isEqualTo(6_050_882_784L);
  }
}
