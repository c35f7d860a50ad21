package dev.s3llm.examples.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The embedded model of the demos, laid out as a Hugging Face folder, and prompts to try it with.
 */
public final class SmallModel {
  private static final List<String> FILES =
      List.of("config.json", "generation_config.json", "model.safetensors", "tokenizer.json");
  private static final List<String> LENGTH_FILES =
      List.of("model.onnx", "tokenizer.json", "length-model.json");

  private SmallModel() {}

  /**
   * Unpacks the model into a temporary folder, which is deleted when the JVM ends.
   *
   * @throws UncheckedIOException if the folder cannot be written
   */
  public static Path unpack() {
    return unpack("model", FILES);
  }

  /**
   * Unpacks the model that predicts how long the small model's answers are, likewise.
   *
   * @throws UncheckedIOException if the folder cannot be written
   */
  public static Path unpackLengthModel() {
    return unpack("length-model", LENGTH_FILES);
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
   * Prompts that the model was not trained on, as JSON lines with {@code id} and {@code prompt}.
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
