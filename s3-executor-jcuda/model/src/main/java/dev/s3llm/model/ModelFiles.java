package dev.s3llm.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.s3llm.model.family.Families;
import dev.s3llm.model.gguf.GgufModel;
import dev.s3llm.model.json.JsonFile;
import dev.s3llm.model.quant.QuantizedTensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * The files of a model, whichever form they have: a Hugging Face folder with safetensors, or a GGUF
 * file. For one thread at a time.
 */
public final class ModelFiles implements AutoCloseable {
  private static final String GGUF = ".gguf";
  private static final String CONFIG = "config.json";

  private final ModelConfig config;
  private final TensorSource tensors;
  private final AutoCloseable files;

  private ModelFiles(ModelConfig config, TensorSource tensors, AutoCloseable files) {
    this.config = config;
    this.tensors = tensors;
    this.files = files;
  }

  /**
   * Opens a model for the context that it was made for.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @throws ModelFormatException if a file is missing or damaged, or the model is of no known
   *     family
   */
  public static ModelFiles open(Path model) {
    return open(model, 0);
  }

  /**
   * Opens a model.
   *
   * @param model a Hugging Face folder or a GGUF file
   * @param contextTokens number of positions to serve, see {@link ModelConfig#read(Path, int)}; 0
   *     for those that the model was made for
   * @throws ModelFormatException if a file is missing or damaged, or the model is of no known
   *     family
   */
  public static ModelFiles open(Path model, int contextTokens) {
    FolderCheck.requireModel(model);
    return isGguf(model) ? gguf(model, contextTokens) : folder(model, contextTokens);
  }

  /**
   * Returns whether a path is that of a GGUF file, by its name.
   *
   * @param model the path
   */
  public static boolean isGguf(Path model) {
    return model.toString().toLowerCase(Locale.ROOT).endsWith(GGUF) && !Files.isDirectory(model);
  }

  private static ModelFiles folder(Path model, int contextTokens) {
    FolderCheck.requireConfig(model);
    Path file = model.resolve(CONFIG);
    JsonNode json = JsonFile.read(file);
    ModelConfig config = Families.readFolder(model, json, contextTokens);
    WeightFiles files = WeightFiles.open(model);
    try {
      TensorSource weights = QuantizedTensors.of(files, file.toString(), json);
      return new ModelFiles(config, weights, weights);
    } catch (RuntimeException | Error e) {
      files.close();
      throw e;
    }
  }

  private static ModelFiles gguf(Path model, int contextTokens) {
    GgufModel file = GgufModel.open(model);
    try {
      ModelConfig config =
          Families.read(model.toString(), file.config(), MissingNode.getInstance(), contextTokens);
      return new ModelFiles(config, file.tensors(), file);
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /** Reads the configuration alone; no weights are needed for a folder. */
  static ModelConfig config(Path model, int contextTokens) {
    FolderCheck.requireModel(model);
    if (!isGguf(model)) {
      FolderCheck.requireConfig(model);
      Path file = model.resolve(CONFIG);
      JsonNode json = JsonFile.read(file);
      QuantizedTensors.requireSupported(file.toString(), json);
      return Families.readFolder(model, json, contextTokens);
    }
    try (ModelFiles files = gguf(model, contextTokens)) {
      return files.config();
    }
  }

  /** Returns the configuration of the model. */
  public ModelConfig config() {
    return config;
  }

  /** Returns the tensors, which can be read until {@link #close}; closing them closes the files. */
  public TensorSource tensors() {
    return tensors;
  }

  /** Closes the files; tensors of them can no longer be read. */
  @Override
  public void close() {
    try {
      files.close();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }
}
