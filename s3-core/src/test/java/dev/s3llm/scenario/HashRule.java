package dev.s3llm.scenario;

import com.google.common.base.Preconditions;
import dev.s3llm.execute.SequenceStep.TokenConstraint;

/**
 * A constraint whose masks are hashes of the tokens so far: about every second token may come,
 * every third state is complete, and some states allow nothing, complete or not. If one token is
 * left, only those come that complete the answer, if there are any.
 *
 * @param seed chooses the rule
 */
record HashRule(long seed) implements TokenConstraint {
  @Override
  public State start() {
    return new After(seed, 0);
  }

  @Override
  public int shortest() {
    return 0;
  }

  @Override
  public int longest() {
    return Integer.MAX_VALUE;
  }

  /** The state after some tokens. */
  private record After(long hash, int length) implements State {
    @Override
    public long[] mask(int tokensLeft) {
      long all = allowed();
      long last = 0;
      for (int token = 0; token < Setting.VOCABULARY; token++) {
        boolean completes = (all >>> token & 1) == 1 && next(token).complete();
        last |= completes ? 1L << token : 0;
      }
      return new long[] {tokensLeft == 1 && last != 0 ? last : all};
    }

    private long allowed() {
      long mask = mix(hash) & (1L << Setting.VOCABULARY) - 1;
      return length > 0 && Long.remainderUnsigned(mix(hash + 1), 24) == 0 ? 0 : mask;
    }

    private After next(int token) {
      return new After(mix(hash ^ (token + 1) * 0x9E3779B97F4A7C15L), length + 1);
    }

    @Override
    public State after(int token) {
      Preconditions.checkArgument((allowed() >>> token & 1) == 1, "token %s may not come", token);
      return next(token);
    }

    @Override
    public boolean complete() {
      return Long.remainderUnsigned(mix(hash + 2), 3) == 0;
    }

    private static long mix(long z) {
      z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
      z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
      return z ^ (z >>> 31);
    }
  }
}
