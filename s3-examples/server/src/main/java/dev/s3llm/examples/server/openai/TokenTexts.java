package dev.s3llm.examples.server.openai;

import dev.s3llm.GenerationResult.TokenScores;
import dev.s3llm.text.TextModel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The texts of single tokens, as they stand in an answer. Thread-safe. */
public final class TokenTexts {
  private static final char REPLACEMENT = '\uFFFD';

  private final TextModel model;
  private final Set<Integer> stopTokens;

  /** A token before each other one: decoding drops the blank at the beginning of a text. */
  private final int[] anchor;

  private final String anchorText;

  /** Creates the texts of a model's tokens. */
  public TokenTexts(TextModel model) {
    this.model = model;
    stopTokens = IntStream.of(model.stopTokens()).boxed().collect(Collectors.toUnmodifiableSet());
    anchor = model.encode("a", false);
    anchorText = model.decode(anchor);
  }

  /** Returns whether a token ends the answer and is no part of its text. */
  boolean isStop(int token) {
    return stopTokens.contains(token);
  }

  /** Returns the text of a token; a part of a character is U+FFFD. */
  String text(int token) {
    int[] both = IntStream.concat(IntStream.of(anchor), IntStream.of(token)).toArray();
    String text = model.decode(both);
    return text.startsWith(anchorText) ? text.substring(anchorText.length()) : model.decode(token);
  }

  /** Returns the number of characters of the texts of tokens. */
  public int length(List<TokenScores> tokens) {
    return tokens.stream()
        .filter(one -> !isStop(one.token()))
        .mapToInt(one -> text(one.token()).length())
        .sum();
  }

  /** Returns the bytes of a token in UTF-8; none if it is a part of a character not known. */
  byte[] utf8(int token) {
    String text = text(token);
    return text.indexOf(REPLACEMENT) >= 0
        ? model.tokenBytes(token)
        : text.getBytes(StandardCharsets.UTF_8);
  }

  /** Returns the bytes of a token in UTF-8; null if it is a part of a character not known. */
  @Nullable List<Integer> bytes(int token) {
    byte[] bytes = utf8(token);
    if (bytes.length == 0 && !text(token).isEmpty()) {
      return null;
    }
    List<Integer> values = new ArrayList<>(bytes.length);
    for (byte one : bytes) {
      values.add(one & 0xFF);
    }
    return values;
  }
}
