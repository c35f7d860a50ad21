package dev.s3llm.jcuda.model;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/**
 * Text to token ids and back, by a model folder's {@code tokenizer.json}. Encoding adds what the
 * file's post-processor adds, such as a chat frame. Thread-safe.
 */
public final class TextTokenizer implements AutoCloseable {
  private static final long MAX_BYTES = 64L << 20;

  /**
   * Beyond some ten million characters the expressions that texts are split by can step back too
   * often for the native library, which then ends the process.
   */
  private static final int MAX_TEXT_CHARS = 4_000_000;

  private final HuggingFaceTokenizer tokenizer;

  private TextTokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Loads {@code tokenizer.json}.
   *
   * @throws ModelFormatException if it is missing, too large, not a tokenizer, or contradicts
   *     itself
   */
  public static TextTokenizer load(Path folder) {
    stayOffline();
    Path file = folder.resolve("tokenizer.json");
    if (!Files.isRegularFile(file)) {
      throw new ModelFormatException(file + " is missing");
    }
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new ModelFormatException(
            "%s has %d bytes, the limit is %d".formatted(file, Files.size(file), MAX_BYTES));
      }
      byte[] json = TokenizerFile.checked(file.toString(), Files.readAllBytes(file));
      Map<String, String> options =
          Map.of("addSpecialTokens", "true", "truncation", "false", "padding", "false");
      return new TextTokenizer(
          HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), options));
    } catch (IOException | RuntimeException e) {
      throw e instanceof ModelFormatException known
          ? known
          : new ModelFormatException(file + " is no usable tokenizer: " + e.getMessage(), e);
    }
  }

  /** The library underneath would otherwise look for a cloud's metadata service. */
  private static void stayOffline() {
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
  }

  /**
   * Token ids of a text.
   *
   * @throws IllegalArgumentException if it is longer than 4,000,000 characters
   */
  public int[] encode(String text) {
    if (text.length() > MAX_TEXT_CHARS) {
      throw new IllegalArgumentException(
          "the text has %d characters, the limit is %d".formatted(text.length(), MAX_TEXT_CHARS));
    }
    return Arrays.stream(tokenizer.encode(text).getIds()).mapToInt(Math::toIntExact).toArray();
  }

  /** The text of token ids, special tokens left out. */
  public String decode(int... tokens) {
    return tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray(), true);
  }

  /** Starts to decode a stream of tokens. */
  public TextStream stream() {
    return new TextStream(this);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
