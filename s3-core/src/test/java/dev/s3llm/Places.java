package dev.s3llm;

import com.google.common.base.Preconditions;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A constraint that lists the tokens of each place of the answer.
 *
 * @param places the tokens that may come, by place; after the last place none may
 * @param least number of tokens from which on the answer is complete
 */
record Places(List<int[]> places, int least) implements TokenConstraint {

  /** Returns a constraint with one possible answer. */
  static Places exactly(int... tokens) {
    return new Places(
        IntStream.of(tokens).mapToObj(token -> new int[] {token}).toList(), tokens.length);
  }

  @Override
  public State start() {
    return new At(0);
  }

  @Override
  public int shortest() {
    return 0;
  }

  @Override
  public int longest() {
    return Integer.MAX_VALUE;
  }

  /** The state at a place. */
  private final class At implements State {
    private final int index;

    At(int index) {
      this.index = index;
    }

    @Override
    public long[] mask(int tokensLeft) {
      Preconditions.checkArgument(tokensLeft > 0, "%s tokens are left", tokensLeft);
      long mask = 0;
      for (int token : index < places.size() ? places.get(index) : new int[0]) {
        mask |= 1L << token;
      }
      return new long[] {mask};
    }

    @Override
    public State after(int token) {
      boolean may = Arrays.stream(places.get(index)).anyMatch(t -> t == token);
      Preconditions.checkArgument(may, "token %s may not come at place %s", token, index);
      return new At(index + 1);
    }

    @Override
    public boolean complete() {
      return index >= least;
    }
  }
}
