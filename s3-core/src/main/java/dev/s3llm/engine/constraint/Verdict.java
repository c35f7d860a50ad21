package dev.s3llm.engine.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;

/**
 * What a constraint says about the next token of an answer.
 *
 * @param kind what may come
 * @param state the state after the answer so far
 * @param allowed the tokens that may come, a bit for each of the vocabulary; no bit is set unless
 *     the kind is {@link Kind#TOKENS}
 * @param completesAtLimit whether the next token is the last that fits and completes the answer
 */
@SuppressWarnings("ArrayRecordComponent") // passed on once, never compared
public record Verdict(
    Kind kind, TokenConstraint.State state, long[] allowed, boolean completesAtLimit) {
  /** What may come. */
  public enum Kind {
    /** Tokens; perhaps also a stop token. */
    TOKENS,
    /** Nothing: the answer is complete, and nothing but its end may come. */
    END,
    /** Nothing, and the answer is not complete. */
    NOTHING
  }
}
