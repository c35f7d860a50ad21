package dev.s3llm.text.internal.tool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.text.internal.tool.AfterThinking.Frame;
import dev.s3llm.text.internal.tool.AfterThinking.Settings;
import dev.s3llm.text.internal.tool.AfterThinking.Tokens;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A vocabulary of 70 tokens: 0 opens, 1 closes, 2 ends an answer, 3 is a line break. */
class AfterThinkingTest {
  private static final int OPEN = 0;
  private static final int CLOSE = 1;
  private static final int END = 2;
  private static final int BREAK = 3;
  private static final int WORD = 69;
  private static final Frame FRAME =
      new Frame(new int[] {OPEN}, "</t>", new int[] {BREAK, CLOSE, BREAK}, new int[0]);
  private static final Tokens TOKENS =
      new Tokens(
          70,
          new int[] {END},
          token -> token == OPEN ? "<t>" : token == CLOSE ? "</t>" : token == BREAK ? "\n" : "w");

  /** Exactly two words. */
  private record Words(int left) implements TokenConstraint, TokenConstraint.State {
    @Override
    public State start() {
      return this;
    }

    @Override
    public int shortest() {
      return left;
    }

    @Override
    public int longest() {
      return left;
    }

    @Override
    public long[] mask(int tokensLeft) {
      return new long[] {0, left > 0 ? 1L << (WORD - 64) : 0};
    }

    @Override
    public State after(int token) {
      return new Words(left - 1);
    }

    @Override
    public boolean complete() {
      return left == 0;
    }
  }

  private static AfterThinking limit(boolean begun, int budget, @Nullable TokenConstraint content) {
    return new AfterThinking(FRAME, new Settings(begun, false, budget), content, TOKENS);
  }

  private static BitSet allowed(TokenConstraint.State state, int left) {
    return BitSet.valueOf(state.mask(left));
  }

  private static TokenConstraint.State after(TokenConstraint.State state, int... tokens) {
    TokenConstraint.State now = state;
    for (int token : tokens) {
      assertThat(allowed(now, 100).get(token)).as("token %s", token).isTrue();
      now = now.after(token);
    }
    return now;
  }

  @Test
  void usedBudget_leavesTheClosingTokensAlone() {
    TokenConstraint.State state = after(limit(true, 2, null).start(), WORD, WORD);
    for (int token : FRAME.closing()) {
      assertThat(allowed(state, 100).stream().toArray()).containsExactly(token);
      assertThat(state.complete()).isFalse();
      TokenConstraint.State now = state;
      assertThatThrownBy(() -> now.after(WORD)).hasMessage("token 69 may not come here");
      state = state.after(token);
    }
    assertThat(allowed(state, 100).cardinality()).isEqualTo(69);
    assertThat(state.complete()).isTrue();
  }

  @Test
  void budgetOfZero_closesAtOnce() {
    assertThat(allowed(limit(true, 0, null).start(), 100).stream().toArray())
        .containsExactly(BREAK);
  }

  @Test
  void maskWithoutARule_isEverythingButStopTokens() {
    TokenConstraint.State state = limit(false, 5, null).start();
    assertThat(allowed(state, 100).cardinality()).isEqualTo(69);
    assertThat(allowed(state, 100).get(END)).isFalse();
    assertThat(state.complete()).isTrue();
  }

  @Test
  void reasoningThatEndsByItself_freesTheContent() {
    TokenConstraint.State state = after(limit(false, 3, null).start(), BREAK, OPEN, WORD, CLOSE);
    for (int i = 0; i < 10; i++) {
      state = after(state, WORD);
    }
    assertThat(state.complete()).isTrue();
  }

  @Test
  void ruleOfTheContent_beginsBehindTheReasoning() {
    AfterThinking limit = limit(true, 5, new Words(2));
    TokenConstraint.State state = after(limit.start(), WORD, WORD, WORD);
    assertThat(state.complete()).isFalse();
    state = after(state, CLOSE);
    assertThat(allowed(state, 100).stream().toArray()).containsExactly(WORD);
    assertThat(after(state, WORD, WORD).complete()).isTrue();
    assertThat(limit.shortest()).isEqualTo(2);
    assertThat(limit.longest()).isEqualTo(2 + 5 + 1 + 3);
  }

  @Test
  void ruleWithoutReasoning_mayBeginAtOnceOrWithTheMarker() {
    TokenConstraint.State state = limit(false, 5, new Words(2)).start();
    assertThat(allowed(state, 100).stream().toArray()).containsExactly(OPEN, WORD);
    assertThat(after(state, WORD, WORD).complete()).isTrue();
    assertThat(after(state, OPEN, BREAK, CLOSE, WORD, WORD).complete()).isTrue();
  }

  @Test
  void endOfTheAnswer_closesTheReasoningInTime() {
    TokenConstraint.State state = after(limit(true, 50, new Words(2)).start(), WORD);
    int left = 7; // closing 3, words 2, one more for a match that is not clear yet
    while (!state.complete()) {
      int token =
          allowed(state, left).nextSetBit(0) == 0 ? WORD : allowed(state, left).nextSetBit(1);
      state = state.after(token);
      left--;
    }
    assertThat(left).isNotNegative();
  }
}
