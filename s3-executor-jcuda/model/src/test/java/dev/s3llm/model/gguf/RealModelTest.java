package dev.s3llm.model.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.testing.SharedModels;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** SmolLM2-135M-Instruct as llama.cpp's tools wrote it; the numbers are of the package gguf. */
class RealModelTest {
  private Path path = Path.of("");

  @BeforeEach
  void findTheModel() {
    Optional<Path> file = SharedModels.smolLm2();
    assumeTrue(file.isPresent(), "the real model is not there");
    path = file.orElseThrow();
  }

  @Test
  void configuration_isTheModels() {
    try (GgufModel model = GgufModel.open(path)) {
      JsonNode json = model.config();
      assertThat(json.path("model_type").asText()).isEqualTo("llama");
      assertThat(json.path("rms_norm_eps").asDouble()).isEqualTo(1e-5);
      assertThat(json.path("rope_theta").asDouble()).isEqualTo(100_000);
      assertThat(json.path("eos_token_id")).map(JsonNode::asInt).containsExactly(0, 2);
      assertThat(model.metadata()).containsEntry("tokenizer.ggml.pre", "smollm");
    }
    try (ModelFiles files = ModelFiles.open(path)) {
      ModelConfig config = files.config();
      assertThat(config.layers()).hasSize(30);
      assertThat(config.vocabularySize()).isEqualTo(49_152);
      assertThat(config.tiedOutput()).isTrue();
      assertThat(config.stopTokens()).containsExactly(0, 2);
    }
  }

  @Test
  void rowsOfQueriesAndKeys_areBackInTheirOrder() {
    try (GgufModel model = GgufModel.open(path)) {
      Tensor keys = model.tensors().tensor("model.layers.3.self_attn.k_proj.weight", 192, 576);
      assertThat(keys.type()).isEqualTo(ElementType.Q4_1);
      assertThat(keys.floats())
          .containsSequence(
              -0.2476806640625f, -0.32098388671875f, 0.11883544921875f, -0.10107421875f);
      assertThat(keys.floats()[70 * 576]).isEqualTo(-0.2476806640625f);
      float[] queries =
          model.tensors().tensor("model.layers.29.self_attn.q_proj.weight", 576, 576).floats();
      assertThat(queries[100 * 576]).isEqualTo(0.13665771484375f);
      double weighted = 0;
      for (int i = 0; i < queries.length; i++) {
        weighted += i / 576 * (double) queries[i];
      }
      assertThat(weighted).isCloseTo(38166.01544570923, within(1e-6));
    }
  }

  @Test
  void allTensors_decodeToTheReferencesSum() {
    double sum = 0;
    try (GgufModel model = GgufModel.open(path)) {
      TensorSource tensors = model.tensors();
      for (String name : tensors.names()) {
        sum += magnitude(tensors.tensor(name, shape(name)).widened());
      }
    }
    assertThat(sum).isCloseTo(18618625.800991118, within(1e-4));
  }

  private static double magnitude(Tensor tensor) {
    double sum = 0;
    int piece = 1 << 20;
    for (long at = 0; at < tensor.elements(); at += piece) {
      int count = (int) Math.min(piece, tensor.elements() - at);
      ByteBuffer values = tensor.slice(at, count);
      for (int i = 0; i < count; i++) {
        sum += Math.abs((double) values.getFloat(4 * i));
      }
    }
    return sum;
  }

  private static long[] shape(String name) {
    if (name.endsWith("norm.weight")) {
      return new long[] {576};
    }
    if (name.contains("embed")) {
      return new long[] {49_152, 576};
    }
    if (name.contains("down")) {
      return new long[] {576, 1536};
    }
    boolean wide = name.contains("gate") || name.contains("up");
    boolean narrow = name.contains("k_proj") || name.contains("v_proj");
    return new long[] {wide ? 1536 : narrow ? 192 : 576, 576};
  }
}
