package dev.s3llm.model.speech;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.model.ModelFormatException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The model of the speech example, whole and damaged. */
class SpeechFilesTest {
  private static final Path MODEL =
      Path.of("../../s3-examples/speech/src/main/resources/dev/s3llm/examples/speech/model");

  private final ObjectMapper mapper = new ObjectMapper();

  @TempDir Path folder;

  @BeforeEach
  void copyModel() throws IOException {
    for (String name : new String[] {"config.json", "vocab.json", "model.safetensors"}) {
      Files.copy(MODEL.resolve(name), folder.resolve(name));
    }
  }

  @Test
  void modelOfTheExample_isRead() {
    try (SpeechFiles files = SpeechFiles.open(folder)) {
      assertThat(files.config())
          .isEqualTo(
              new SpeechConfig(
                  128, 4, 32, 512, 8, 4, 64, 32, 15, 1e-5f, 1e4, 1e4, 30, 0, 1, 2, 3, 300, 8, 4));
      assertThat(files.tensors().tensor("decoder.embedding", 30, 128).elements())
          .isEqualTo(30 * 128);
      SpeechVocabulary vocabulary = files.vocabulary();
      assertThat(vocabulary.size()).isEqualTo(30);
      assertThat(vocabulary.text(11, 12, 3, 4, 1)).isEqualTo("HI A");
      assertThat(vocabulary.token(2)).isEqualTo("<mask>");
      assertThatThrownBy(() -> vocabulary.text(30)).isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "model_type, '\"llama\"'",
    "model_type, null",
    "architectures, '[\"Other\"]'",
    "hidden_size, 130",
    "hidden_size, 0",
    "num_attention_heads, 3",
    "head_dim, 31",
    "intermediate_size, null",
    "encoder_layers, -1",
    "decoder_layers, 1.5",
    "hidden_act, '\"gelu\"'",
    "num_mel_bands, 63",
    "subsampling_channels, \"many\"",
    "subsampling_kernel, 5",
    "subsampling_stride, 1",
    "subsampling_layers, 3",
    "subsampling_act, '\"silu\"'",
    "depthwise_kernel, 14",
    "layer_norm_eps, 0",
    "rope_theta, null",
    "sinusoid_base, -1",
    "vocab_size, 99999999999",
    "blank_token_id, 1",
    "eos_token_id, 30",
    "mask_token_id, 5",
    "decoder_start_token_id, 0",
    "first_character_id, 2",
    "max_target_positions, 0",
    "canvas_smallest, 0",
    "canvas_room, -1",
    "macaron, true",
    "rope_scaling, '{\"factor\": 2}'",
    "attention_window, 64",
  })
  void badField_isNamedWithItsFile(String field, String value) throws IOException {
    ObjectNode config = json("config.json");
    config.set(field, mapper.readTree(value));
    Files.writeString(folder.resolve("config.json"), config.toString());
    refused(folder.resolve("config.json").toString(), field);
  }

  @Test
  void fieldWithoutEffect_isAccepted() throws IOException {
    ObjectNode config = json("config.json").put("transformers_version", "9").put("pad_token_id", 1);
    Files.writeString(folder.resolve("config.json"), config.toString());
    SpeechFiles.open(folder).close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "vocab.json", "model.safetensors"})
  void missingOrEmptyFile_isNamed(String name) throws IOException {
    Files.delete(folder.resolve(name));
    refused(name, "missing");
    Files.createFile(folder.resolve(name));
    refused(name);
  }

  @Test
  void cutWeights_areRefused() throws IOException {
    Path weights = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, Arrays.copyOf(bytes, bytes.length / 2));
    refused("model.safetensors");
  }

  @Test
  void vocabularyThatDoesNotFit_isRefusedWithTheId() throws IOException {
    ObjectNode vocabulary = json("vocab.json");
    write(vocabulary.deepCopy().put("Z", 28));
    refused("vocab.json", "\"Y\" and \"Z\" have the same id 28");
    write(vocabulary.deepCopy().put("Z", 30));
    refused("vocab.json", "the id of \"Z\" is 30");
    write(vocabulary.deepCopy().put("Z", "29"));
    refused("vocab.json", "must be an integer from 0 to 29");
    write(vocabulary.deepCopy().without("M"));
    refused("vocab.json", "id 16 has no text");
  }

  @Test
  void pathThatIsNoFolder_isRefusedWithWhatToGive() {
    assertThatThrownBy(() -> SpeechFiles.open(folder.resolve("none")))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("does not exist; give the folder of a speech model");
    assertThatThrownBy(() -> SpeechFiles.open(folder.resolve("vocab.json")))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("is no folder");
  }

  private ObjectNode json(String name) throws IOException {
    return (ObjectNode) mapper.readTree(Files.readString(folder.resolve(name)));
  }

  private void write(Object vocabulary) throws IOException {
    Files.writeString(folder.resolve("vocab.json"), vocabulary.toString());
  }

  private void refused(String... parts) {
    assertThatThrownBy(() -> SpeechFiles.open(folder).close())
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContainingAll(parts);
  }
}
