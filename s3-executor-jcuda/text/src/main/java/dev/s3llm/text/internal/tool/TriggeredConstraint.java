package dev.s3llm.text.internal.tool;

import dev.s3llm.execute.SequenceStep.TokenConstraint;

/**
 * Allows everything up to a token, then what another rule allows, and everything again behind it.
 * Thread-safe.
 */
final class TriggeredConstraint implements TokenConstraint {
  private final int trigger;
  private final TokenConstraint rule;
  private final long[] any;
  private final State free = new Free();

  /**
   * Creates a rule.
   *
   * @param trigger the token behind which the other rule begins
   * @param rule the other rule
   * @param vocabularySize number of tokens
   * @param stopTokens tokens that end an answer
   */
  TriggeredConstraint(int trigger, TokenConstraint rule, int vocabularySize, int... stopTokens) {
    this.trigger = trigger;
    this.rule = rule;
    this.any = AfterThinking.allBut(vocabularySize, stopTokens);
  }

  @Override
  public State start() {
    return free;
  }

  @Override
  public int shortest() {
    return 0;
  }

  @Override
  public int longest() {
    return Integer.MAX_VALUE;
  }

  private final class Free implements State {
    @Override
    public long[] mask(int tokensLeft) {
      if (tokensLeft > rule.shortest() + 1) {
        return any;
      }
      long[] mask = any.clone(); // no room for a call
      mask[trigger / 64] &= ~(1L << (trigger % 64));
      return mask;
    }

    @Override
    public State after(int token) {
      return token == trigger ? new Bound(rule.start()) : this;
    }

    @Override
    public boolean complete() {
      return true;
    }
  }

  private final class Bound implements State {
    private final State state;

    Bound(State state) {
      this.state = state;
    }

    @Override
    public long[] mask(int tokensLeft) {
      return state.complete() ? any : state.mask(tokensLeft);
    }

    @Override
    public State after(int token) {
      return state.complete() ? free.after(token) : new Bound(state.after(token));
    }

    @Override
    public boolean complete() {
      return state.complete();
    }
  }
}
