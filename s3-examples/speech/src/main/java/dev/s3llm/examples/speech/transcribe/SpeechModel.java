package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.examples.speech.audio.FeatureSettings;
import dev.s3llm.examples.speech.audio.LogMel;
import dev.s3llm.examples.speech.audio.Recording;
import dev.s3llm.examples.speech.audio.Resampler;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.speech.SpeechConfig;
import dev.s3llm.model.speech.SpeechFiles;
import dev.s3llm.model.speech.SpeechVocabulary;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A speech model: its files, and the features that it reads. The weights can be read while it is
 * open; executors read them once, when they are built. Thread-safe but for the weights.
 */
public final class SpeechModel implements AutoCloseable {
  private static final String SETTINGS = "preprocessor_config.json";
  private static final List<String> FILES =
      List.of("config.json", "model.safetensors", SETTINGS, "vocab.json");

  private final SpeechFiles files;
  private final FeatureSettings settings;
  private final LogMel logMel;

  private SpeechModel(SpeechFiles files, FeatureSettings settings) {
    this.files = files;
    this.settings = settings;
    logMel = new LogMel(settings);
  }

  /**
   * Opens a model.
   *
   * @param folder a folder with {@code config.json}, {@code model.safetensors}, {@code vocab.json}
   *     and {@code preprocessor_config.json}
   * @throws ModelFormatException if a file is missing, damaged, or of another kind of model
   * @throws dev.s3llm.examples.speech.audio.AudioFormatException if the settings of the features
   *     are missing, damaged or not supported
   */
  public static SpeechModel open(Path folder) {
    FeatureSettings settings = FeatureSettings.read(folder.resolve(SETTINGS));
    SpeechFiles files = SpeechFiles.open(folder);
    if (settings.bands() != files.config().melBands()) {
      files.close();
      throw new ModelFormatException(
          "%s: %s has %d mel bands, but config.json has %d; use files of one model"
              .formatted(folder, SETTINGS, settings.bands(), files.config().melBands()));
    }
    return new SpeechModel(files, settings);
  }

  /**
   * Opens the model that this jar carries: 3.1 million parameters, trained on AN4, which knows
   * spelled letters, numbers and short commands in English. Its files are written into a new
   * temporary folder, which the JVM deletes when it exits normally.
   *
   * @throws UncheckedIOException if the folder cannot be written
   */
  public static SpeechModel embedded() {
    return open(unpack());
  }

  private static Path unpack() {
    try {
      Path folder = Files.createTempDirectory("s3-speech-model");
      folder.toFile().deleteOnExit();
      for (String name : FILES) {
        Path file = folder.resolve(name);
        try (InputStream in = resource(name)) {
          Files.copy(in, file);
        }
        file.toFile().deleteOnExit();
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException("the embedded model cannot be unpacked", e);
    }
  }

  private static InputStream resource(String name) {
    InputStream in =
        SpeechModel.class.getResourceAsStream("/dev/s3llm/examples/speech/model/" + name);
    if (in == null) {
      throw new IllegalStateException("the jar lacks its resource " + name);
    }
    return in;
  }

  /** Returns the shape of the model. */
  public SpeechConfig config() {
    return files.config();
  }

  /** Returns the weights, which can be read until the model is closed. */
  public TensorSource tensors() {
    return files.tensors();
  }

  /** Returns the characters. */
  public SpeechVocabulary vocabulary() {
    return files.vocabulary();
  }

  /**
   * Computes the features of a recording, at the model's sample rate.
   *
   * @param recording samples of any rate
   */
  Features features(Recording recording) {
    Recording own = Resampler.resample(recording, settings.sampleRate());
    float[] numbers = logMel.features(own);
    return new Features(
        recording.seconds(), numbers, numbers.length / settings.bands(), settings.bands());
  }

  /** Closes the files. Idempotent. */
  @Override
  public void close() {
    files.close();
  }
}
