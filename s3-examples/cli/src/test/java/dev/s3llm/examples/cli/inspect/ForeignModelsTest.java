package dev.s3llm.examples.cli.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.examples.cli.CommandTest;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people bring that is no model for this product: each says what is wrong and what to do. */
class ForeignModelsTest extends CommandTest {
  private static final String LLAMA =
      """
      {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "vocab_size": 256,
       "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
       "num_attention_heads": 4, "max_position_embeddings": 128, "rms_norm_eps": 1e-5,
       "hidden_act": "silu", "tie_word_embeddings": true}
      """;

  @TempDir Path folder;

  private void put(String name, String content) throws IOException {
    Files.writeString(folder.resolve(name), content);
  }

  /** Both commands give the same reason, on one line. */
  private void assertSays(Path model, String... parts) {
    assertThat(run("inspect", model.toString())).isZero();
    assertThat(out.toString()).contains(": does not run").contains(parts);
    assertThat(run("generate", "--model", model.toString(), "Hi")).isEqualTo(2);
    assertThat(err.toString()).startsWith("s3-cli: --model: ").contains(parts).hasLineCount(1);
  }

  @Test
  void weightsOfPytorch_needSafetensors() throws IOException {
    put("config.json", LLAMA);
    put("pytorch_model.bin", "PK");
    assertSays(folder, "weights in pytorch_model.bin", "safetensors are needed", "save_pretrained");
  }

  @Test
  void shardsWithoutIndex_needTheIndex() throws IOException {
    put("config.json", LLAMA);
    put("model-00001-of-00002.safetensors", "");
    put("model-00002-of-00002.safetensors", "");
    assertSays(folder, "no model.safetensors.index.json", "download that file");
  }

  @Test
  void pointersOfGitLfs_needTheFiles() throws IOException {
    put("config.json", LLAMA);
    put("model.safetensors", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n");
    assertSays(folder, "model.safetensors is a pointer of Git LFS", "git lfs pull");
  }

  @Test
  void configurationWithoutFamily_saysWhichThereAre() throws IOException {
    put("config.json", "{\"hidden_size\": 64}");
    assertSays(folder, "model_type is missing", "llama", "qwen3");
  }

  @Test
  void encoder_isNoModelThatGeneratesText() throws IOException {
    put("config.json", "{\"model_type\": \"bert\", \"architectures\": [\"BertForMaskedLM\"]}");
    put("model.safetensors", "");
    assertSays(folder, "model_type is bert", "BertForMaskedLM generates no text");
  }

  @Test
  void modelOfImages_isNoModelThatGeneratesText() throws IOException {
    put(
        "config.json",
        "{\"model_type\": \"vit\", \"architectures\": [\"ViTForImageClassification\"]}");
    assertSays(folder, "model_type is vit", "ViTForImageClassification generates no text");
  }

  @Test
  void ggufOfAnUnknownArchitecture_saysWhichThereAre() throws IOException {
    Path file = folder.resolve("model.gguf");
    Files.write(file, gguf("general.architecture", "mamba"));
    assertSays(file, "general.architecture is mamba", "supported: ", "llama");
  }

  @Test
  void truncatedGguf_isDamaged() throws IOException {
    Path file = folder.resolve("model.gguf");
    byte[] whole = gguf("general.architecture", "llama");
    Files.write(file, java.util.Arrays.copyOf(whole, whole.length - 4));
    assertSays(file, "model.gguf");
  }

  @Test
  void adapter_needsItsBaseModel() throws IOException {
    put("adapter_config.json", "{\"base_model_name_or_path\": \"maker/base\"}");
    put("adapter_model.safetensors", "");
    assertSays(folder, "LoRA adapter", "merge it into its base model maker/base");
  }

  @Test
  void fileThatIsNoModel_saysWhatAModelIs() throws IOException {
    put("notes.txt", "text");
    assertSays(folder.resolve("notes.txt"), "is no folder and no .gguf file");
  }

  @Test
  void emptyFolder_saysWhatToDownload() {
    assertSays(folder, "is empty", "download config.json");
  }

  /** Returns a GGUF file of one key and no tensor. */
  private static byte[] gguf(String key, String value) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteBuffer head = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    out.write(
        head.put("GGUF".getBytes(StandardCharsets.US_ASCII))
            .putInt(3)
            .putLong(0)
            .putLong(1)
            .array());
    writeText(out, key);
    out.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(8).array()); // a text
    writeText(out, value);
    return out.toByteArray();
  }

  private static void writeText(ByteArrayOutputStream out, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes.length).array());
    out.write(bytes);
  }
}
