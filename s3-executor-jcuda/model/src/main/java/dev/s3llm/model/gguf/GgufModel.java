package dev.s3llm.model.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.TensorSource;
import java.nio.file.Path;
import java.util.Map;

/** A language model in a GGUF file, as a Hugging Face folder has it. */
public final class GgufModel implements AutoCloseable {
  private final GgufFile file;
  private final JsonNode config;
  private final TensorSource tensors;

  private GgufModel(GgufFile file) {
    this.file = file;
    GgufArchitecture architecture = architecture(file);
    if (!file.contains("token_embd.weight")) {
      throw new ModelFormatException(
          file.names().isEmpty()
              ? file.path() + " has a vocabulary only and no weights; download the model's file"
              : file.path() + " has no tensor token_embd.weight, so it is no language model");
    }
    this.config = GgufConfig.read(file, architecture);
    long headSize = config.get("head_dim").asLong();
    this.tensors = new GgufTensors(file, architecture, headSize);
  }

  /**
   * Opens a model, with all its files if it is split.
   *
   * @param path a GGUF file
   * @throws ModelFormatException if the file is missing, damaged, no language model, or of an
   *     architecture or with a key that is not supported; names it
   */
  public static GgufModel open(Path path) {
    GgufFile file = GgufFile.open(path);
    try {
      return new GgufModel(file);
    } catch (RuntimeException e) {
      file.close();
      throw e;
    }
  }

  private static GgufArchitecture architecture(GgufFile file) {
    Object type = file.metadata().getOrDefault("general.type", "model");
    Object name = file.metadata().getOrDefault("general.architecture", "");
    if (type.equals("adapter") || file.metadata().containsKey("adapter.type")) {
      throw new ModelFormatException(
          file.path()
              + " is a LoRA adapter, not a model; merge it into its base model and convert that");
    }
    if (type.equals("mmproj") || name.equals("clip")) {
      throw new ModelFormatException(
          file.path()
              + " is the image or audio part (mmproj) of a model; use the file with its text part");
    }
    if (!type.equals("model")) {
      throw new ModelFormatException(
          "%s holds a %s, not a model (general.type)".formatted(file.path(), type));
    }
    return GgufArchitecture.of(String.valueOf(name))
        .orElseThrow(
            () ->
                new ModelFormatException(
                    "%s: general.architecture is %s, which is not supported; supported: %s"
                        .formatted(
                            file.path(),
                            name.equals("") ? "missing" : name,
                            GgufArchitecture.supported())));
  }

  /** Returns the file that was opened. */
  public Path path() {
    return file.path();
  }

  /** Returns what the model's {@code config.json} says; must not be changed. */
  public JsonNode config() {
    return config;
  }

  /** Returns the tensors under Hugging Face's names, which can be read while this is open. */
  public TensorSource tensors() {
    return tensors;
  }

  /** Returns the metadata, for the tokenizer and the chat template; see {@link GgufFile}. */
  public Map<String, Object> metadata() {
    return file.metadata();
  }

  /** Closes the files; the tensors can no longer be read. */
  @Override
  public void close() {
    file.close();
  }
}
