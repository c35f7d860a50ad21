package dev.s3llm.examples.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A language model of 5.5 million parameters, its length model, and prompts for both, carried by
 * this jar as resources. Stateless; every method may be called from any thread.
 */
public final class SmallModel {
  /** What to say wherever the model runs by default, so that nobody takes it for a real one. */
  public static final String NOTICE =
      "this is the embedded toy model (5.5 million parameters, for tests and first steps; its"
          + " answers make little sense)";

  private static final List<String> FILES =
      List.of("config.json", "generation_config.json", "model.safetensors", "tokenizer.json");
  private static final List<String> LENGTH_FILES =
      List.of("model.onnx", "tokenizer.json", "length-model.json");
  private static final List<String> HEAD_FILES = List.of("remaining.onnx", "remaining.json");

  private SmallModel() {}

  /**
   * Writes the language model into a new temporary folder with the file names of a Hugging Face
   * model folder. The JVM deletes the folder when it exits normally.
   *
   * @return the new folder
   * @throws UncheckedIOException if the folder cannot be written
   */
  public static Path unpack() {
    return unpack("model", FILES);
  }

  /**
   * Writes the classifier that predicts the length of the small model's answers into a new
   * temporary folder. The JVM deletes the folder when it exits normally.
   *
   * @return the new folder
   * @throws UncheckedIOException if the folder cannot be written
   */
  public static Path unpackLengthModel() {
    return unpack("length-model", LENGTH_FILES);
  }

  /**
   * Writes the head that reads the small model's hidden states, and predicts how many tokens of a
   * running answer are left, into a new temporary folder. The JVM deletes the folder when it exits
   * normally.
   *
   * @return the new folder
   * @throws UncheckedIOException if the folder cannot be written
   */
  public static Path unpackHead() {
    return unpack("head", HEAD_FILES);
  }

  private static Path unpack(String from, List<String> files) {
    try {
      Path folder = Files.createTempDirectory("s3-small-" + from);
      folder.toFile().deleteOnExit();
      for (String name : files) {
        Path file = folder.resolve(name);
        try (InputStream in = resource(from + "/" + name)) {
          Files.copy(in, file);
        }
        file.toFile().deleteOnExit();
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException("the embedded model cannot be unpacked", e);
    }
  }

  /**
   * Returns prompts that are not part of the model's training data, as JSON lines with the fields
   * {@code id} and {@code prompt}.
   *
   * @return the lines, each ended by a line feed
   * @throws UncheckedIOException if the resource cannot be read
   */
  public static String promptsJsonl() {
    try (InputStream in = resource("prompts.jsonl")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("the embedded prompts cannot be read", e);
    }
  }

  private static InputStream resource(String name) {
    InputStream in = SmallModel.class.getResourceAsStream("/dev/s3llm/examples/" + name);
    if (in == null) {
      throw new IllegalStateException("the jar lacks its resource " + name);
    }
    return in;
  }
}
