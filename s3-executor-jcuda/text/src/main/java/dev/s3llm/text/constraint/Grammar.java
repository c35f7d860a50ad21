package dev.s3llm.text.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.internal.grammar.Program;
import java.util.Objects;

/**
 * What an answer must be like, independent of a model. {@link Constraints} creates grammars. Two
 * grammars are equal if they were created from equal sources.
 *
 * <p>Immutable and thread-safe. Creating a grammar takes from under a millisecond to some hundred
 * milliseconds for a large schema, so an application keeps those that it uses again.
 */
public final class Grammar {
  private final Source source;
  private final Program program;

  /**
   * What a grammar was created from.
   *
   * @param kind the kind of grammar
   * @param content a text or a list of texts
   */
  record Source(String kind, Object content) {}

  Grammar(Source source, Program program) {
    this.source = source;
    this.program = program;
  }

  /**
   * Returns this grammar as a constraint of the tokens of a model. Equal grammars share a
   * constraint as long as it is in use: its masks are made once.
   *
   * <p>Its masks close what is open as the limit of the answer nears: an answer whose limit is not
   * below the number of tokens that some answer needs always ends as the grammar demands, if
   * nothing else ends it (a stop string, a deadline).
   *
   * @param vocabulary the tokens of the model
   * @throws IllegalArgumentException if no text keeps the grammar, or the tokens cannot spell one
   */
  public TokenConstraint compile(TokenVocabulary vocabulary) {
    Objects.requireNonNull(vocabulary, "vocabulary must not be null");
    return vocabulary.internal().constraint(source, program);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Grammar grammar && grammar.source.equals(source);
  }

  @Override
  public int hashCode() {
    return source.hashCode();
  }

  @Override
  public String toString() {
    return "Grammar[" + source.kind() + "]";
  }
}
