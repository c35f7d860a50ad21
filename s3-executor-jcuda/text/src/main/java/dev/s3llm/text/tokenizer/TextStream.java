package dev.s3llm.text.tokenizer;

import java.util.Arrays;

/**
 * Decodes tokens as they come. A character that is not complete yet is held back, so that what was
 * handed out never changes; {@link #finish} hands out what is left. Not thread-safe.
 */
public final class TextStream {
  private static final char REPLACEMENT = '\uFFFD';

  /** A character takes at most four bytes, hence four tokens, before it is given up. */
  private static final int MAX_INCOMPLETE = 4;

  private final TextTokenizer tokenizer;
  private int[] tokens = new int[16];
  private int count;
  private int start;
  private int done;

  TextStream(TextTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Takes a token and returns the text that is now complete; often empty. */
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
    return handOut(text);
  }

  /** The text that was held back. */
  public String finish() {
    return handOut(text(count));
  }

  /** Decoded from a little earlier, since a token's text may depend on the one before. */
  private String text(int end) {
    return tokenizer.decode(Arrays.copyOfRange(tokens, start, end));
  }

  private String handOut(String text) {
    String before = text(done);
    start = done;
    done = count;
    return text.length() > before.length() ? text.substring(before.length()) : "";
  }
}
