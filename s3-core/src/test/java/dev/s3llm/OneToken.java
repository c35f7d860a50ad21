package dev.s3llm;

import com.google.common.base.Preconditions;
import dev.s3llm.execute.SequenceStep.TokenConstraint;

/**
 * A constraint that allows one token, any number of times.
 *
 * @param token id of the token, from 0 to 63
 */
record OneToken(int token) implements TokenConstraint, TokenConstraint.State {
  @Override
  public TokenConstraint.State start() {
    return this;
  }

  @Override
  public int shortest() {
    return 0;
  }

  @Override
  public int longest() {
    return Integer.MAX_VALUE;
  }

  @Override
  public long[] mask(int tokensLeft) {
    return new long[] {1L << token};
  }

  @Override
  public TokenConstraint.State after(int next) {
    Preconditions.checkArgument(next == token, "token %s may not come", next);
    return this;
  }

  @Override
  public boolean complete() {
    return true;
  }
}
