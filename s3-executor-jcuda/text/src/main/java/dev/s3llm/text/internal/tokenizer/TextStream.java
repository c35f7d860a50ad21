package dev.s3llm.text.internal.tokenizer;

import java.util.Arrays;

/**
 * Decodes tokens as they arrive. A character that is not complete yet is held back, so that text
 * that was returned never changes; {@link #finish} returns the rest. Not thread-safe.
 */
public final class TextStream {
  private static final char REPLACEMENT = '\uFFFD';

  /** A character has at most four bytes, hence at most four tokens; then it is invalid. */
  private static final int MAX_INCOMPLETE = 4;

  private final TextTokenizer tokenizer;
  private int[] tokens = new int[16];
  private int count;
  private int start;
  private int done;

  TextStream(TextTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Adds a token and returns the text that is complete now, often empty.
   *
   * @param token a token id
   */
  public String append(int token) {
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
    }
    tokens[count++] = token;
    String text = text(count);
    boolean incomplete = !text.isEmpty() && text.charAt(text.length() - 1) == REPLACEMENT;
    if (incomplete && count - done < MAX_INCOMPLETE) {
      return "";
    }
    return release(text);
  }

  /** Returns the text that was held back. */
  public String finish() {
    return release(text(count));
  }

  /** Decodes from a little earlier, since a token's text may depend on the token before it. */
  private String text(int end) {
    return tokenizer.decode(Arrays.copyOfRange(tokens, start, end));
  }

  private String release(String text) {
    String before = text(done);
    start = done;
    done = count;
    return text.length() > before.length() ? text.substring(before.length()) : "";
  }
}
