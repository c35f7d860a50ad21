package dev.s3llm.text.internal.tokenizer;

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
 * A tokenizer of a {@code tokenizer.json}: text to token ids and back. Thread-safe; {@link #close}
 * waits for calls in progress, and later calls throw {@link IllegalStateException}.
 *
 * <p>This class is the only one that opens the native tokenizer library, so that its checks and
 * settings apply wherever a tokenizer is used.
 */
public final class TextTokenizer implements AutoCloseable {
  /** The name of a tokenizer's file in its folder. */
  public static final String FILE = "tokenizer.json";

  /** The largest file, in bytes. */
  public static final long MAX_BYTES = 64L << 20;

  /**
   * Beyond some ten million characters the expressions that split a text can step back too often
   * for the native library, which then ends the process.
   */
  private static final int MAX_TEXT_CHARS = 4_000_000;

  private static final Map<String, String> OPTIONS =
      Map.of("addSpecialTokens", "true", "truncation", "false", "padding", "false");

  private final HuggingFaceTokenizer tokenizer;

  /** Held for writing by {@link #close}: the native tokenizer must outlive the calls on it. */
  private final ReadWriteLock use = new ReentrantReadWriteLock();

  private boolean closed;

  private TextTokenizer(HuggingFaceTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Loads the {@code tokenizer.json} of a folder.
   *
   * @param folder a Hugging Face folder
   * @throws ModelFormatException if the file is missing, too large, not a tokenizer, or contradicts
   *     itself
   */
  public static TextTokenizer load(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new ModelFormatException(file + " is missing");
    }
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new ModelFormatException(
            "%s has %d bytes, the limit is %d".formatted(file, Files.size(file), MAX_BYTES));
      }
      return open(file.toString(), Files.readAllBytes(file));
    } catch (IOException e) {
      throw unusable(file.toString(), e);
    }
  }

  /**
   * Opens a tokenizer from the content of a {@code tokenizer.json}. Of the expressions that may
   * split a text, those of GPT-2, Llama 3, Qwen2 and Mistral Nemo are known; others must not allow
   * a text to make a search step back far.
   *
   * @param name the source, for messages
   * @param json the content of the file
   * @throws ModelFormatException if the content is not a tokenizer, or contradicts itself
   */
  public static TextTokenizer open(String name, byte[] json) {
    stayOffline();
    byte[] checked = TokenizerFile.checked(name, json);
    try {
      return new TextTokenizer(
          HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(checked), OPTIONS));
    } catch (IOException | RuntimeException e) {
      throw unusable(name, e);
    }
  }

  private static ModelFormatException unusable(String name, Exception cause) {
    return new ModelFormatException(name + " is no usable tokenizer: " + cause.getMessage(), cause);
  }

  /** Keeps the native library from connecting to a metadata service of a cloud. */
  private static void stayOffline() {
    if (System.getProperty("ai.djl.offline") == null) {
      System.setProperty("ai.djl.offline", "true");
    }
  }

  /**
   * Returns the token ids of a text, with the special tokens of the file's post-processor, such as
   * a start token.
   *
   * @param text at most 4,000,000 characters
   * @throws IllegalArgumentException if the text is longer
   * @throws IllegalStateException if the tokenizer is closed
   */
  public int[] encode(String text) {
    return encode(text, true);
  }

  /**
   * Returns the token ids of a text.
   *
   * @param text at most 4,000,000 characters
   * @param addSpecialTokens whether the file's post-processor adds its tokens; false for text that
   *     a chat template has framed. Special tokens that the text itself spells are recognised in
   *     either case
   * @throws IllegalArgumentException if the text is longer
   * @throws IllegalStateException if the tokenizer is closed
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

  /**
   * Returns the text of token ids, without special tokens.
   *
   * @param tokens token ids; unknown ones are left out
   * @throws IllegalStateException if the tokenizer is closed
   */
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

  /** Creates a decoder for a stream of tokens. */
  public TextStream stream() {
    return new TextStream(this);
  }

  /** Releases the native tokenizer after calls in progress. Idempotent. */
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
