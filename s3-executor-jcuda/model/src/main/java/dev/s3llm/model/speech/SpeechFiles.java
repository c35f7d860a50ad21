package dev.s3llm.model.speech;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFiles;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The files of a speech model: {@code config.json}, {@code vocab.json} and {@code
 * model.safetensors} in one folder. For one thread at a time.
 */
public final class SpeechFiles implements AutoCloseable {
  private final SpeechConfig config;
  private final SpeechVocabulary vocabulary;
  private final WeightFiles weights;

  private SpeechFiles(SpeechConfig config, SpeechVocabulary vocabulary, WeightFiles weights) {
    this.config = config;
    this.vocabulary = vocabulary;
    this.weights = weights;
  }

  /**
   * Opens a model.
   *
   * @param folder the folder of the model
   * @throws ModelFormatException if a file is missing or damaged, or the configuration has a key or
   *     a value that is not supported; the message names the file, what is wrong, and what to do
   */
  public static SpeechFiles open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new ModelFormatException(
          folder
              + (Files.exists(folder) ? " is no folder" : " does not exist")
              + "; give the folder of a speech model, with config.json, vocab.json and"
              + " model.safetensors");
    }
    SpeechConfig config = SpeechConfigReader.read(required(folder, "config.json"));
    SpeechVocabulary vocabulary = SpeechVocabulary.read(required(folder, "vocab.json"), config);
    return new SpeechFiles(config, vocabulary, WeightFiles.open(folder));
  }

  private static Path required(Path folder, String name) {
    Path file = folder.resolve(name);
    if (!Files.exists(file)) {
      throw new ModelFormatException(file + " is missing; copy it with the model's other files");
    }
    return file;
  }

  /** Returns the shape of the model. */
  public SpeechConfig config() {
    return config;
  }

  /** Returns the texts of the token ids, which stay valid after {@link #close}. */
  public SpeechVocabulary vocabulary() {
    return vocabulary;
  }

  /** Returns the tensors, which can be read until {@link #close}; closing them closes the files. */
  public TensorSource tensors() {
    return weights;
  }

  /** Closes the files; tensors of them can no longer be read. */
  @Override
  public void close() {
    weights.close();
  }
}
