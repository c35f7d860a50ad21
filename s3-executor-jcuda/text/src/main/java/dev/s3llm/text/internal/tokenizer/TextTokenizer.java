package dev.s3llm.text.internal.tokenizer;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import dev.s3llm.model.ModelFiles;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.gguf.GgufFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

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

  private static final int[] NONE = {};

  private final String name;
  private final HuggingFaceTokenizer tokenizer;
  private final TokenizerFile.Checked checked;

  /** The added tokens that a foreign text must not become: all but blanks. */
  private final List<AddedToken> guarded;

  private final ForeignText foreign;
  private final Set<Integer> guardedIds;

  /** Held for writing by {@link #close}: the native tokenizers must outlive the calls on them. */
  private final ReadWriteLock use = new ReentrantReadWriteLock();

  /** Held while {@link #disguised} is opened. */
  private final ReentrantLock opening = new ReentrantLock();

  private volatile @Nullable Disguised disguised;
  private byte @Nullable [] json; // until it is needed
  private boolean closed;

  /** A tokenizer that knows the guarded tokens by secret spellings only. */
  private record Disguised(Disguise disguise, HuggingFaceTokenizer tokenizer) {}

  private TextTokenizer(
      String name, byte[] json, TokenizerFile.Checked checked, HuggingFaceTokenizer tokenizer) {
    this.name = name;
    this.json = json;
    this.checked = checked;
    this.tokenizer = tokenizer;
    this.guarded = checked.addedTokens().stream().filter(t -> !t.content().isBlank()).toList();
    this.foreign = new ForeignText(guarded);
    this.guardedIds =
        guarded.stream()
            .filter(token -> !token.content().equals(checked.unknownToken()))
            .map(AddedToken::id)
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Loads the tokenizer of a model: the {@code tokenizer.json} of a folder, or the metadata of a
   * GGUF file.
   *
   * @param model a Hugging Face folder, or a file with the ending {@code .gguf}
   * @throws ModelFormatException if the file is missing, too large, not a tokenizer, or contradicts
   *     itself
   */
  public static TextTokenizer load(Path model) {
    if (ModelFiles.isGguf(model)) {
      try (GgufFile file = GgufFile.open(model)) {
        return openGguf(model.toString(), file.metadata());
      }
    }
    Path file = model.resolve(FILE);
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
   * Opens the tokenizer of a GGUF file.
   *
   * @param name the file, for messages
   * @param metadata the metadata of the file, as {@link GgufFile#metadata} returns it
   * @throws ModelFormatException if the metadata has no tokenizer, or one that contradicts itself
   */
  public static TextTokenizer openGguf(String name, Map<String, Object> metadata) {
    return open(name, GgufTokenizer.json(name, metadata));
  }

  /**
   * Opens a tokenizer from the content of a {@code tokenizer.json}. Whatever the native library
   * loads is loaded, but content with which it would end the process or tokenise wrongly.
   *
   * @param name the source, for messages
   * @param json the content of the file; kept, so it must not be changed afterwards
   * @throws ModelFormatException if the content is not a tokenizer, or contradicts itself
   */
  public static TextTokenizer open(String name, byte[] json) {
    stayOffline();
    TokenizerFile.Checked checked = TokenizerFile.check(name, json);
    return new TextTokenizer(name, json, checked, openNative(name, json));
  }

  private static HuggingFaceTokenizer openNative(String name, byte[] json) {
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), OPTIONS);
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
   * @throws IllegalArgumentException if the text is longer, or has a run of characters for which an
   *     expression of the tokenizer takes too long
   * @throws ModelFormatException if the file lacks what the text needs, such as an unknown token
   * @throws IllegalStateException if the tokenizer is closed
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    return encode(text, addSpecialTokens, NONE, NONE);
  }

  /**
   * Returns the token ids of a text of which nothing is recognised as an added token: a text that
   * spells a control token becomes plain text.
   *
   * @param text at most 4,000,000 characters
   * @param addSpecialTokens whether the file's post-processor adds its tokens
   * @throws IllegalArgumentException as {@link #encode(String, boolean)} does
   * @throws ModelFormatException as {@link #encode(String, boolean)} does
   * @throws IllegalStateException if the tokenizer is closed
   */
  public int[] encodeText(String text, boolean addSpecialTokens) {
    return encode(text, addSpecialTokens, new int[1], new int[] {text.length()});
  }

  /**
   * Returns the token ids of a text of which parts are foreign, such as messages of users in the
   * frame of a template. An added token, special or not, is not recognised where it is spelled at
   * least partly in a foreign part; what is spelled there becomes plain text. Added tokens of
   * nothing but blanks are recognised everywhere, since they can forge nothing. The token ids of a
   * text without such spellings are those of {@link #encode(String, boolean)}.
   *
   * @param text at most 4,000,000 characters
   * @param addSpecialTokens whether the file's post-processor adds its tokens
   * @param foreignStarts the first index of each foreign part, ascending, in UTF-16 units
   * @param foreignEnds the index behind each foreign part, at most the start of the next one
   * @throws IllegalArgumentException as {@link #encode(String, boolean)} does, or if the parts are
   *     not ascending or not in the text
   * @throws ModelFormatException as {@link #encode(String, boolean)} does
   * @throws IllegalStateException if the tokenizer is closed
   */
  public int[] encode(
      String text, boolean addSpecialTokens, int[] foreignStarts, int[] foreignEnds) {
    checkParts(text, foreignStarts, foreignEnds);
    checkText(text);
    return using(
        () -> {
          boolean spelled = foreign.isSpelledIn(text, foreignStarts, foreignEnds);
          if (!spelled) {
            int[] plain = ids(tokenizer, text, addSpecialTokens);
            if (foreignStarts.length == 0
                || !hasMoreThanOwn(plain, text, addSpecialTokens, foreignStarts, foreignEnds)) {
              return plain;
            }
          }
          List<ForeignText.Match> own = foreign.own(text, foreignStarts, foreignEnds);
          Disguised other = disguised();
          return ids(other.tokenizer, other.disguise.applyTo(text, own), addSpecialTokens);
        });
  }

  /**
   * Returns whether there are more guarded tokens than the own parts of a text spell: a normalizer
   * may turn other spellings into them.
   */
  private boolean hasMoreThanOwn(
      int[] ids, String text, boolean addSpecialTokens, int[] starts, int[] ends) {
    long found = guardedCount(ids);
    if (found == 0) {
      return false;
    }
    long own =
        foreign.own(text, starts, ends).stream()
            .filter(match -> guardedIds.contains(match.token().id()))
            .count();
    return found > own + (addSpecialTokens ? guardedCount(ids(tokenizer, "", true)) : 0);
  }

  private long guardedCount(int[] ids) {
    return Arrays.stream(ids).filter(guardedIds::contains).count();
  }

  private static void checkParts(String text, int[] starts, int[] ends) {
    int from = 0;
    boolean sound = starts.length == ends.length;
    for (int i = 0; sound && i < starts.length; i++) {
      sound = from <= starts[i] && starts[i] <= ends[i] && ends[i] <= text.length();
      from = ends[i];
    }
    if (!sound) {
      throw new IllegalArgumentException(
          "the foreign parts %s to %s are not ascending in a text of %d characters"
              .formatted(Arrays.toString(starts), Arrays.toString(ends), text.length()));
    }
  }

  private void checkText(String text) {
    if (text.length() > MAX_TEXT_CHARS) {
      throw new IllegalArgumentException(
          "the text has %d characters, the limit is %d".formatted(text.length(), MAX_TEXT_CHARS));
    }
    checked.limits().forEach(limit -> limit.check(text));
  }

  private int[] ids(HuggingFaceTokenizer from, String text, boolean addSpecialTokens) {
    try {
      return Arrays.stream(from.encode(text, addSpecialTokens, false).getIds())
          .mapToInt(Math::toIntExact)
          .toArray();
    } catch (RuntimeException e) {
      throw new ModelFormatException(name + " cannot encode a text: " + e.getMessage(), e);
    }
  }

  private Disguised disguised() {
    Disguised known = disguised;
    if (known != null) {
      return known;
    }
    opening.lock();
    try {
      if (disguised == null) {
        Disguise disguise = new Disguise(guarded);
        byte[] content = disguise.applyTo(Objects.requireNonNull(json));
        disguised = new Disguised(disguise, openNative(name, content));
        json = null;
      }
      return Objects.requireNonNull(disguised);
    } finally {
      opening.unlock();
    }
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

  /**
   * Returns the token id of an added token; empty if no added token has this text.
   *
   * @param content the whole text of the token
   */
  public OptionalInt addedToken(String content) {
    return checked.addedTokens().stream()
        .filter(token -> token.content().equals(content))
        .mapToInt(AddedToken::id)
        .findFirst();
  }

  /** Returns the text of one token, also of one that decoding leaves out. */
  public String tokenText(int token) {
    String special = hiddenText(token);
    return special.isEmpty() ? decode(token) : special;
  }

  /** Returns the text of a token that decoding leaves out; empty for any other token. */
  String hiddenText(int token) {
    return checked.hidden().getOrDefault(token, "");
  }

  /**
   * Returns the bytes that each token adds to a decoded text; empty for those that decoding leaves
   * out.
   *
   * @param size number of tokens of the model, which may have more or fewer than the tokenizer
   * @throws IllegalArgumentException if the decoder of this tokenizer is not known
   */
  public List<byte[]> tokenBytes(int size) {
    if (!checked.texts().isKnown()) {
      throw new IllegalArgumentException(
          "%s has a decoder for which constraints are not supported".formatted(name));
    }
    return IntStream.range(0, size).mapToObj(checked.texts()::of).toList();
  }

  /** Returns the bytes that a token adds to a decoded text; empty if they are not known. */
  public byte[] bytesOf(int token) {
    return token < 0 ? new byte[0] : checked.texts().of(token);
  }

  /** Returns whether decoding does not leave a token out. */
  boolean isVisible(int token) {
    return token >= 0 && checked.visible().get(token);
  }

  /** Returns whether a token stands for a byte, of which several make a character. */
  boolean isByte(int token) {
    return checked.bytes().get(token);
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
        if (disguised != null) {
          disguised.tokenizer.close();
        }
      }
    } finally {
      use.writeLock().unlock();
    }
  }
}
