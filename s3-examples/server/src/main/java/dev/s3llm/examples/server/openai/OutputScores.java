package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult.TokenScores;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * Finds the tokens of the texts of an answer, in order, by their bytes. Tokens that stand in no
 * text, such as the markers around reasoning and calls of tools, are left out. Used by one
 * subscriber.
 */
public final class OutputScores {
  private static final byte[] REPLACEMENT = "\uFFFD".getBytes(StandardCharsets.UTF_8);

  private final IntFunction<Optional<TokenScores>> scores;
  private final TokenTexts texts;
  private int next;

  /** The bytes of the last token that no piece of text has had yet. */
  private byte[] rest = {};

  /**
   * Creates the scores of an answer.
   *
   * @param scores returns those of a token by its index, from 0; empty if it has not come
   * @param texts texts of the tokens
   */
  public OutputScores(IntFunction<Optional<TokenScores>> scores, TokenTexts texts) {
    this.scores = scores;
    this.texts = texts;
  }

  /** Returns the texts of the tokens. */
  TokenTexts texts() {
    return texts;
  }

  /** Returns the tokens that begin in the next piece of the answer's text. */
  List<TokenScores> take(String piece) {
    byte[] wanted = piece.getBytes(StandardCharsets.UTF_8);
    List<TokenScores> taken = new ArrayList<>();
    int at = begins(rest, 0, wanted, 0) ? passed(rest, 0, wanted, 0) : 0;
    while (at < wanted.length) {
      Optional<TokenScores> one = scores.apply(next);
      if (one.isEmpty()) {
        break;
      }
      next++;
      int moved = move(texts.utf8(one.get().token()), wanted, at);
      if (moved > 0) {
        at += moved;
        taken.add(one.get());
      }
    }
    return taken;
  }

  /** Returns how many bytes of the text a token has; 0 if it stands elsewhere. */
  private int move(byte[] token, byte[] wanted, int at) {
    int blanks = 0;
    while (blanks < token.length && token[blanks] <= ' ' && token[blanks] >= 0) {
      blanks++;
    }
    for (int from : new int[] {0, blanks}) { // blanks at the borders of a text are dropped
      if (from < token.length && begins(token, from, wanted, at)) {
        return passed(token, from, wanted, at);
      }
    }
    if (begins(REPLACEMENT, 0, wanted, at)) { // a character that never became whole
      rest = new byte[0];
      return REPLACEMENT.length;
    }
    return 0;
  }

  /** Returns whether all bytes of a token from an index on, or of the text, agree. */
  private static boolean begins(byte[] token, int from, byte[] wanted, int at) {
    int length = Math.min(token.length - from, wanted.length - at);
    for (int i = 0; i < length; i++) {
      if (token[from + i] != wanted[at + i]) {
        return false;
      }
    }
    return length > 0;
  }

  private int passed(byte[] token, int from, byte[] wanted, int at) {
    int length = Math.min(token.length - from, wanted.length - at);
    rest = Arrays.copyOfRange(token, from + length, token.length);
    return length;
  }
}
