package dev.s3llm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class TokenCostTest {

  @Property
  void costOfTokens_isFoundFromStepTimes(
      @ForAll @IntRange(min = 0, max = 1_000_000) int fixedNanos,
      @ForAll @IntRange(min = 1, max = 10_000) int nanosPerToken,
      @ForAll @IntRange(min = 10, max = 500) int batch) {
    TokenCost cost = new TokenCost();
    for (int i = 0; i < 3_000; i++) {
      int computed = batch + i % 11;
      cost.observe(
          new MemoryPlanner.StepCost(
              batch, computed, 0, 0, fixedNanos + (long) nanosPerToken * computed));
    }
    double expected = nanosPerToken * batch / (fixedNanos + nanosPerToken * (batch + 5.0));
    assertThat(cost.share()).isCloseTo(expected, within(0.01));
  }

  @Test
  void unknownCost_isThatOfAProducedToken() {
    TokenCost cost = new TokenCost();
    assertThat(cost.share()).isEqualTo(1);
    for (int i = 0; i < 1_000; i++) {
      cost.observe(new MemoryPlanner.StepCost(5, 5, 0, 0, 1_000));
    }
    assertThat(cost.share()).isEqualTo(1); // equal steps do not show the cost of a token
  }
}
