package dev.s3llm.examples.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class SmallModelTest {
  @Test
  void unpack_writesAModelFolder() {
    assertThat(names(SmallModel.unpack()))
        .containsExactlyInAnyOrder(
            "config.json", "generation_config.json", "model.safetensors", "tokenizer.json");
  }

  @Test
  void unpackLengthModel_writesAClassifierFolder() {
    assertThat(names(SmallModel.unpackLengthModel()))
        .containsExactlyInAnyOrder("model.onnx", "tokenizer.json", "length-model.json");
  }

  @Test
  void unpackHead_writesAHeadFolder() {
    assertThat(names(SmallModel.unpackHead()))
        .containsExactlyInAnyOrder("remaining.onnx", "remaining.json");
  }

  @Test
  void promptsJsonl_hasAnIdAndAPromptOnEachLine() {
    assertThat(SmallModel.promptsJsonl().lines())
        .isNotEmpty()
        .allSatisfy(line -> assertThat(line).contains("\"id\":", "\"prompt\":"));
  }

  private static String[] names(Path folder) {
    File[] files = folder.toFile().listFiles(file -> file.length() > 0);
    assertThat(files).isNotNull();
    return Arrays.stream(files).map(File::getName).toArray(String[]::new);
  }
}
