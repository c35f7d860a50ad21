package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of folders that have no weights, or other ones. */
class WeightFilesTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "pytorch_model.bin, 'no model.safetensors, only pytorch_model.bin; safetensors are needed'",
    "pytorch_model-00001-of-00002.bin, only pytorch_model-00001-of-00002.bin; safetensors",
    "consolidated.00.pth, only consolidated.00.pth; safetensors are needed",
    "model-00001-of-00002.safetensors, 'no model.safetensors.index.json that says which'",
    "model.Q4_K_M.gguf, only model.Q4_K_M.gguf; give the path of that file",
    "config.json, no model.safetensors; download the whole folder"
  })
  void folderWithoutSafetensors_isRefusedWithWhatItHas(String file, String message)
      throws IOException {
    Files.createFile(folder.resolve(file));
    assertThatThrownBy(() -> WeightFiles.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(folder + " has no ")
        .hasMessageContaining(message);
  }

  @Test
  void missingShard_isNamed() throws IOException {
    String index = "{\"weight_map\":{\"a\":\"model-00002-of-00002.safetensors\"}}";
    Files.writeString(folder.resolve("model.safetensors.index.json"), index);
    assertThatThrownBy(() -> WeightFiles.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("model-00002-of-00002.safetensors is missing, but model.safetensors");
  }

  @Test
  void pointerOfGitLfs_isSaidToBeOne() throws IOException {
    String pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    Files.writeString(folder.resolve("model.safetensors"), pointer);
    assertThatThrownBy(() -> WeightFiles.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining("pointer of Git LFS")
        .hasMessageContaining("git lfs pull");
  }

  @Test
  void tensorOfAnyNumberType_isReadAsBytes() throws IOException {
    String header = "{\"a\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(16 + json.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json).putInt(7).putInt(-1);
    Files.write(folder.resolve("model.safetensors"), bytes.array());
    try (WeightFiles files = WeightFiles.open(folder)) {
      RawTensor raw = files.raw("a");
      assertThat(raw.dtype()).isEqualTo("I32");
      assertThat(raw.shape()).containsExactly(2L);
      assertThat(raw.all().getInt(4)).isEqualTo(-1);
    }
  }
}
