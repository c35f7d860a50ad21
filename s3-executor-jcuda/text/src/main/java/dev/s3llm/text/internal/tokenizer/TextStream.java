package dev.s3llm.text.internal.tokenizer;

import java.util.Arrays;

/**
 * Decodes tokens as they arrive. Text that may still change is held back: a character that is not
 * complete yet, and pieces that stand for single bytes up to the end of their run. So text that was
 * returned never changes, and all pieces together are what {@link TextTokenizer#decode} returns for
 * all tokens. Not thread-safe.
 */
public final class TextStream {
  private static final char REPLACEMENT = '\uFFFD';

  /** Tokens that are decoded together before the first of them are dropped, if they can be. */
  private static final int WINDOW = 8;

  private final TextTokenizer tokenizer;
  private int[] tokens = new int[2 * WINDOW];
  private int count;
  private int window = WINDOW;

  /** Tokens at the end that stand for bytes. */
  private int bytes;

  /** Characters of the text of the window that were returned. */
  private int returned;

  TextStream(TextTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Adds a token and returns the text that is complete now, often empty.
   *
   * @param token a token id
   */
  public String append(int token) {
    if (!tokenizer.isVisible(token)) {
      return ""; // decoding leaves it out, and what is beside it is as if it was not there
    }
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
    }
    tokens[count++] = token;
    bytes = tokenizer.isByte(token) ? bytes + 1 : 0;
    if (bytes > 0) {
      return "";
    }
    String text = text(0, count);
    boolean complete = text.isEmpty() || text.charAt(text.length() - 1) != REPLACEMENT;
    String released = release(text, complete ? text.length() : text.length() - 1);
    if (count >= window) {
      shorten(text);
    }
    return released;
  }

  /**
   * Returns the text of a token that is left out; empty for any other token.
   *
   * @param token a token id
   */
  public String hiddenText(int token) {
    return tokenizer.hiddenText(token);
  }

  /** Returns the text that was held back. */
  public String finish() {
    String text = text(0, count);
    return release(text, text.length());
  }

  private String text(int start, int end) {
    return tokenizer.decode(Arrays.copyOfRange(tokens, start, end));
  }

  private String release(String text, int end) {
    String released = end > returned ? text.substring(returned, end) : "";
    returned = Math.max(returned, end);
    return released;
  }

  /**
   * Drops tokens from the front. The first tokens of a window may lose blanks, so the rest must
   * have other text, too, and it must not begin inside a character.
   */
  private void shorten(String text) {
    int held = text.length() - returned;
    for (int start = count - 1; start > 0; start--) {
      String end = text(start, count);
      if (end.length() > held && follows(end, text(0, start), text)) {
        System.arraycopy(tokens, start, tokens, 0, count - start);
        count -= start;
        returned = end.length() - held;
        window = WINDOW;
        return;
      }
    }
    window = 2 * count;
  }

  /** Returns whether a text is two others one after the other, with nothing but blanks between. */
  private static boolean follows(String end, String beginning, String text) {
    int between = text.length() - end.length();
    return between >= beginning.length()
        && text.startsWith(beginning)
        && text.endsWith(end)
        && text.substring(beginning.length(), between).isBlank();
  }
}
