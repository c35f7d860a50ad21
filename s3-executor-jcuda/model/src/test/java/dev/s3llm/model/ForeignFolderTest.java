package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ForeignFolderTest {
  private static final Path LLAMA = Path.of("src/test/resources/reference/llama-mha");
  private static final String POINTER =
      "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 538090408\n";

  @TempDir Path folder;

  private void put(String files, String content) throws IOException {
    for (String name : files.split(" ")) {
      Files.writeString(folder.resolve(name), content);
    }
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> ModelFiles.open(folder))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageContaining(folder.toString())
        .hasMessageContainingAll(parts);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "README.md | config.json is missing",
        "model.gguf README.md | give a file: ",
        "snapshots | give the folder in its snapshots",
        "model_index.json | pipeline of several models",
        "params.json consolidated.safetensors | in the form of the transformers library",
      })
  void folderWithoutConfig_saysWhatItIs(String files, String message) throws IOException {
    put(files, "{}");
    assertRefused(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tokenizer.json | model.safetensors is missing",
        "training_args.bin | model.safetensors is missing",
        "training_args.bin pytorch_model.bin | weights in pytorch_model.bin, which is not read",
        "pytorch_model-00001-of-00002.bin | safetensors are needed",
        "tf_model.h5 | weights in tf_model.h5",
        "model-00001-of-00002.safetensors | no model.safetensors.index.json",
        "model.Q4_0.gguf | give a file: model.Q4_0.gguf",
        "weights.safetensors | rename it",
      })
  void folderWithoutWeights_saysWhatItHas(String files, String message) throws IOException {
    Files.copy(LLAMA.resolve("config.json"), folder.resolve("config.json"));
    put(files, "{}");
    assertRefused(message);
    assertThat(ModelConfig.read(folder).family()).isEqualTo("llama");
  }

  @Test
  void emptyFolder_saysWhatToDownload() {
    assertRefused("is empty", "download config.json, tokenizer.json and the .safetensors files");
  }

  @Test
  void adapter_namesItsBaseModel() throws IOException {
    put("adapter_model.safetensors", "");
    put("adapter_config.json", "{\"base_model_name_or_path\": \"maker/base\"}");
    assertRefused("LoRA adapter", "merge it into its base model maker/base");
    assertThat(StoredWeights.present(folder)).isTrue();
  }

  @Test
  void missingShard_isNamed() throws IOException {
    Files.copy(LLAMA.resolve("config.json"), folder.resolve("config.json"));
    put("model-00001-of-00002.safetensors", "");
    put(
        "model.safetensors.index.json",
        "{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\","
            + " \"b\": \"model-00002-of-00002.safetensors\"}}");
    assertRefused("lacks 1 shards", "such as model-00002-of-00002.safetensors");
  }

  @ParameterizedTest
  @CsvSource({"config.json", "model.safetensors"})
  void pointerOfGitLfs_saysHowToGetTheFile(String name) throws IOException {
    Files.copy(LLAMA.resolve("config.json"), folder.resolve("config.json"));
    put(name, POINTER);
    assertRefused(name + " is a pointer of Git LFS", "git lfs pull");
  }

  @Test
  void pathOfNoModel_saysWhatAModelIs() throws IOException {
    put("notes.txt", "text");
    assertThatThrownBy(() -> ModelFiles.open(folder.resolve("notes.txt")))
        .hasMessageContaining("notes.txt is no folder and no .gguf file");
    assertThatThrownBy(() -> ModelConfig.read(folder.resolve("none")))
        .hasMessageContaining("none does not exist");
  }

  @Test
  void headers_sayTypesAndBytes() {
    StoredWeights weights = StoredWeights.read(LLAMA);
    assertThat(weights.mainType()).isEqualTo("F32");
    try (ModelFiles files = ModelFiles.open(LLAMA)) {
      assertThat(weights.bytes()).isEqualTo(4 * files.config().parameters());
    }
  }
}
