package dev.s3llm.text.internal.tool;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.internal.tool.CallsConstraint.Node;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Frames of fixed tokens around rules, over a vocabulary of 80 tokens. */
class CallsConstraintTest {
  private static final int OPEN = 1;
  private static final int CLOSE = 2;
  private static final int COMMA = 3;

  /** A rule: any number of one token from {@code least} on. */
  private record Many(int token, int least, int seen)
      implements TokenConstraint, TokenConstraint.State {
    Many(int token, int least) {
      this(token, least, 0);
    }

    @Override
    public State start() {
      return this;
    }

    @Override
    public int shortest() {
      return least;
    }

    @Override
    public int longest() {
      return Integer.MAX_VALUE;
    }

    @Override
    public long[] mask(int tokensLeft) {
      long[] mask = new long[2];
      if (seen < least || tokensLeft > 0) {
        mask[token / 64] |= 1L << (token % 64);
      }
      return mask;
    }

    @Override
    public State after(int next) {
      if (next != token) {
        throw new IllegalArgumentException("token " + next);
      }
      return new Many(token, least, seen + 1);
    }

    @Override
    public boolean complete() {
      return seen >= least;
    }
  }

  /** {@code [ (a+ | b b+) (, …)* ]}. */
  private static CallsConstraint list() {
    Node first = Node.of(OPEN);
    Node comma = Node.of(COMMA);
    Node end = Node.of(CLOSE);
    end.end();
    for (Node item : List.of(Node.of(new Many(70, 1)), Node.of(new Many(71, 2)))) {
      first.then(item);
      comma.then(item);
      item.then(comma);
      item.then(end);
    }
    return new CallsConstraint(first, 80);
  }

  private static List<Integer> allowed(TokenConstraint.State state, int left) {
    return BitSet.valueOf(state.mask(left)).stream().boxed().toList();
  }

  private static TokenConstraint.State after(TokenConstraint rule, int... tokens) {
    TokenConstraint.State state = rule.start();
    for (int token : tokens) {
      assertThat(allowed(state, 100)).contains(token);
      state = state.after(token);
    }
    return state;
  }

  @Test
  void branches_stayOpenUntilATokenDecides() {
    CallsConstraint rule = list();
    assertThat(allowed(rule.start(), 100)).containsExactly(OPEN);
    assertThat(allowed(after(rule, OPEN), 100)).containsExactly(70, 71);
    assertThat(allowed(after(rule, OPEN, 70), 100)).containsExactly(CLOSE, COMMA, 70);
    assertThat(allowed(after(rule, OPEN, 71), 100)).containsExactly(71);
  }

  @Test
  void answer_isCompleteAtTheEndAlone() {
    CallsConstraint rule = list();
    assertThat(after(rule, OPEN, 70).complete()).isFalse();
    TokenConstraint.State end = after(rule, OPEN, 70, COMMA, 71, 71, CLOSE);
    assertThat(end.complete()).isTrue();
    assertThat(allowed(end, 100)).isEmpty();
    assertThat(rule.shortest()).isEqualTo(3);
  }

  @Test
  void nearLimit_leavesTheWaysThatStillEnd() {
    TokenConstraint.State state = after(list(), OPEN, 70);
    assertThat(allowed(state, 1)).containsExactly(CLOSE);
  }

  @Test
  void trigger_beginsTheRuleAndItsEndFreesTheText() {
    Node close = Node.of(CLOSE);
    close.end();
    Node item = Node.of(new Many(70, 1));
    item.then(close);
    TokenConstraint rule =
        new TriggeredConstraint(OPEN, new CallsConstraint(item, 80), 80, 0 /* stop token */);
    List<Integer> all = new ArrayList<>(allowed(rule.start(), 100));
    assertThat(all).hasSize(79).doesNotContain(0);
    assertThat(after(rule, 5, 6).complete()).isTrue();
    assertThat(allowed(after(rule, 5, OPEN), 100)).containsExactly(70);
    assertThat(after(rule, 5, OPEN).complete()).isFalse();
    assertThat(allowed(after(rule, OPEN, 70, CLOSE), 100)).isEqualTo(all);
    assertThat(allowed(rule.start(), 3)).doesNotContain(OPEN);
  }
}
