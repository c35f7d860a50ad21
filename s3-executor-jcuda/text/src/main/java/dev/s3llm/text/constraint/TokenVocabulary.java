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
 * equal grammars share their masks: one vocabulary for a model is enough.
 */
public final class TokenVocabulary {
  private static final int MAX_TOKEN_BYTES = 4096;

  private final GrammarVocabulary internal;

  private TokenVocabulary(GrammarVocabulary internal) {
    this.internal = internal;
  }

  /**
   * Creates a vocabulary.
   *
   * @param tokens the bytes that each token stands for in an answer, by id; empty for tokens that a
   *     constraint must never allow, such as control tokens. As many as the model has logits. Each
   *     at most 4,096 bytes; not changed afterwards
   * @throws IllegalArgumentException if there is no token with bytes, or one is too long
   */
  public static TokenVocabulary of(List<byte[]> tokens) {
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
    return new TokenVocabulary(new GrammarVocabulary(tokens.toArray(byte[][]::new)));
  }

  /** Returns the number of tokens. */
  public int size() {
    return internal.size();
  }

  GrammarVocabulary internal() {
    return internal;
  }
}
