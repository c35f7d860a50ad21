package dev.s3llm.engine.constraint;

import com.google.common.base.Preconditions;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * The computation of a {@link Verdict}: it follows the constraint over the latest tokens, and adds
 * the stop tokens where they may end the answer. It uses nothing of the loop's state, so any thread
 * may run it.
 */
final class ConstraintWork implements Callable<Verdict> {
  private final AnswerRules rules;
  private final TokenConstraint.@Nullable State before;
  private final int length;
  private final int[] tokens;

  /**
   * Creates the computation.
   *
   * @param rules the constraint, and what the request says about its end
   * @param before the state before the tokens; null for the start
   * @param length number of output tokens, those included
   * @param tokens the latest output tokens
   */
  ConstraintWork(
      AnswerRules rules, TokenConstraint.@Nullable State before, int length, int... tokens) {
    this.rules = rules;
    this.before = before;
    this.length = length;
    this.tokens = tokens;
  }

  @Override
  public Verdict call() {
    TokenConstraint.State state = before == null ? rules.constraint().start() : before;
    for (int token : tokens) {
      state = required(state).after(token);
    }
    return verdict(required(state), Math.max(1, rules.maxNewTokens() - length));
  }

  private Verdict verdict(TokenConstraint.State state, int left) {
    long[] mask =
        Objects.requireNonNull(state.mask(left), "the mask of the token constraint is null");
    boolean complete = state.complete();
    long[] own = withoutStops(fitted(mask), mask);
    int first = firstToken(own);
    if (first < 0) {
      return new Verdict(complete ? Verdict.Kind.END : Verdict.Kind.NOTHING, state, own, false);
    }
    boolean last = left == 1 && required(state.after(first)).complete();
    boolean mayStop = complete && length >= rules.leastTokens();
    return new Verdict(Verdict.Kind.TOKENS, state, mayStop ? withStops(own, mask) : own, last);
  }

  private static TokenConstraint.State required(TokenConstraint.@Nullable State state) {
    return Objects.requireNonNull(state, "a state of the token constraint is null");
  }

  /** Returns a mask with as many words as the vocabulary needs; the same one if it has. */
  private long[] fitted(long[] mask) {
    int words = (rules.vocabularySize() + Long.SIZE - 1) / Long.SIZE;
    for (int i = words - 1; i < mask.length; i++) {
      int past = i == words - 1 ? rules.vocabularySize() - i * Long.SIZE : 0;
      long beyond = past == Long.SIZE ? 0 : mask[i] >>> past;
      Preconditions.checkArgument(
          beyond == 0,
          "the token constraint allows token %s, but token ids are in [0, %s)",
          i * Long.SIZE + past + Long.numberOfTrailingZeros(beyond),
          rules.vocabularySize());
    }
    return mask.length == words ? mask : Arrays.copyOf(mask, words);
  }

  /** Clears the stop tokens, which are no part of a rule, in a copy if there are any. */
  private long[] withoutStops(long[] mask, long[] shared) {
    long[] cleared = mask;
    for (int stop : rules.stopTokens()) {
      if ((cleared[stop / Long.SIZE] >>> stop & 1) == 1) {
        cleared = cleared == shared ? cleared.clone() : cleared;
        cleared[stop / Long.SIZE] &= ~(1L << stop);
      }
    }
    return cleared;
  }

  private long[] withStops(long[] mask, long[] shared) {
    int[] stops = rules.stopTokens();
    boolean own = mask != shared || stops.length == 0;
    return own ? EndingMasks.with(mask, stops) : rules.endings().of(mask, stops);
  }

  private static int firstToken(long... mask) {
    for (int i = 0; i < mask.length; i++) {
      if (mask[i] != 0) {
        return i * Long.SIZE + Long.numberOfTrailingZeros(mask[i]);
      }
    }
    return -1;
  }
}
