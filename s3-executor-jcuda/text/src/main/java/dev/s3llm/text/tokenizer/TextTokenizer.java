package dev.s3llm.text.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.s3llm.model.ModelFormatException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;

/**
 * Text to token ids and back, by a model folder's {@code tokenizer.json}. Thread-safe; closing
 * waits for calls under way, and later calls throw {@link IllegalStateException}.
 */
public final class TextTokenizer implements AutoCloseable {
  private static final long MAX_BYTES = 64L << 20;

  /**
   * Beyond some ten million characters the expressions that texts are split by can step back too
   * often for the native library, which then ends the process.
   */
  private static final int MAX_TEXT_CHARS = 4_000_000;

  private final HuggingFaceTokenizer tokenizer;

  /** Held for writing to close: the native tokenizer must not go away under a call. */
  private final ReadWriteLock use = new ReentrantReadWriteLock();

  private boolean closed;

  private TextTokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Loads {@code tokenizer.json}. Of the expressions that one may split by, those of GPT-2, Llama
   * 3, Qwen2 and Mistral Nemo are known; others must not let a text make a search step back far.
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
   * Token ids of a text, with what the file's post-processor adds, such as a start token or a chat
   * frame.
   *
   * @throws IllegalArgumentException if it is longer than 4,000,000 characters
   */
  public int[] encode(String text) {
    return encode(text, true);
  }

  /**
   * Token ids of a text.
   *
   * @param addSpecialTokens whether the file's post-processor adds its tokens; not wanted for text
   *     that a chat template has framed. Special tokens that the text itself spells are recognised
   *     in either case
   * @throws IllegalArgumentException if it is longer than 4,000,000 characters
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    if (text.length() > MAX_TEXT_CHARS) {
      throw new IllegalArgumentException(
          "the text has %d characters, the limit is %d".formatted(text.length(), MAX_TEXT_CHARS));
    }
    return using(
        () ->
            Arrays.stream(tokenizer.encode(text, addSpecialTokens, false).getIds())
                .mapToInt(Math::toIntExact)
                .toArray());
  }

  /** The text of token ids, special tokens left out. */
  public String decode(int... tokens) {
    return using(() -> tokenizer.decode(Arrays.stream(tokens).asLongStream().toArray(), true));
  }

  private <T> T using(Supplier<T> call) {
    use.readLock().lock();
    try {
      if (closed) {
        throw new IllegalStateException("the tokenizer is closed");
      }
      return call.get();
    } finally {
      use.readLock().unlock();
    }
  }

  /** Starts to decode a stream of tokens. */
  public TextStream stream() {
    return new TextStream(this);
  }

  @Override
  public void close() {
    use.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        tokenizer.close();
      }
    } finally {
      use.writeLock().unlock();
    }
  }
}
