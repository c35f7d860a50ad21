package dev.s3llm.text.constraint;

import com.google.common.base.Preconditions;
import dev.s3llm.text.internal.grammar.GrammarVocabulary;
import java.util.List;

/**
 * The bytes of the tokens of a model, over which grammars are compiled. {@link
 * dev.s3llm.text.TextModel#vocabulary} returns that of a model; an application with a tokenizer of
 * its own creates one itself.
 *
 * <p>Thread-safe. Keeps the constraints of the grammars that were used last, so that requests with
 * equal grammars share their masks: one vocabulary for a model is enough. What it keeps is bounded
 * in bytes ({@link #of(List, long)}).
 */
public final class TokenVocabulary {
  private static final int MAX_TOKEN_BYTES = 4096;

  private final GrammarVocabulary internal;

  private TokenVocabulary(GrammarVocabulary internal) {
    this.internal = internal;
  }

  /**
   * Creates a vocabulary that keeps an eighth of the largest heap, at most 256 MiB, for grammars.
   *
   * @param tokens the bytes that each token stands for in an answer, by id; empty for tokens that a
   *     constraint must never allow, such as control tokens. As many as the model has logits. Each
   *     at most 4,096 bytes; not changed afterwards
   * @throws IllegalArgumentException if there is no token with bytes, or one is too long
   */
  public static TokenVocabulary of(List<byte[]> tokens) {
    return of(tokens, GrammarVocabulary.defaultBytes());
  }

  /**
   * Creates a vocabulary.
   *
   * @param tokens as in {@link #of(List)}
   * @param grammarBytes the largest number of bytes that states and masks of all grammars keep
   *     together, at least 1. Where it is small, they are made again and again
   * @throws IllegalArgumentException as in {@link #of(List)}, and if the bytes are out of range
   */
  public static TokenVocabulary of(List<byte[]> tokens, long grammarBytes) {
    Preconditions.checkArgument(
        grammarBytes > 0, "grammarBytes must be at least 1, but is %s", grammarBytes);
    Preconditions.checkArgument(
        tokens.stream().anyMatch(token -> token.length > 0),
        "the vocabulary must have at least one token with bytes");
    for (int id = 0; id < tokens.size(); id++) {
      Preconditions.checkArgument(
          tokens.get(id).length <= MAX_TOKEN_BYTES,
          "the token %s must have at most %s bytes, but has %s",
          id,
          MAX_TOKEN_BYTES,
          tokens.get(id).length);
    }
    return new TokenVocabulary(new GrammarVocabulary(tokens.toArray(byte[][]::new), grammarBytes));
  }

  /** Returns the number of tokens. */
  public int size() {
    return internal.size();
  }

  GrammarVocabulary internal() {
    return internal;
  }
}
