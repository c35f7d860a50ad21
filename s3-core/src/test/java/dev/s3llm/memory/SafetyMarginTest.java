package dev.s3llm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.Random;
import java.util.function.IntToLongFunction;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SafetyMarginTest {
  private static final double CAP = 0.02;
  private static final double CAPACITY = 10_000;
  private static final double DEVIATION = 0.05;
  private static final int BATCH = 60;

  @Test
  void freeTokens_makeTheCapTheTarget() {
    SafetyMargin margin = new SafetyMargin(CAP);
    run(margin, 200, tokens -> 20_000, 0, 1);
    assertThat(margin.aim(DEVIATION)).isEqualTo(CAP);
  }

  @Test
  void expensiveTokens_makeTheTargetSmall() {
    SafetyMargin margin = new SafetyMargin(CAP);
    run(margin, 200, tokens -> 100 * tokens, 0, 1);
    assertThat(margin.aim(DEVIATION)).isLessThan(CAP / 10).isGreaterThan(0);
  }

  @Test
  void tokensOfMediumCost_balanceIdleMemoryAndLoss() {
    SafetyMargin margin = new SafetyMargin(0.5);
    run(margin, 200, tokens -> 10_000 + 100 * tokens, 0, 1);
    double mean = BATCH + 3; // prefills of 0 to 6 tokens
    double share = 100 * BATCH / (10_000 + 100 * mean);
    assertThat(margin.aim(DEVIATION))
        .isCloseTo((1 - share) * DEVIATION / (share * margin.deviations()), within(1e-3));
  }

  @Test
  void stepsThatDeferNoSequence_leaveTheMarginUnchanged() {
    SafetyMargin margin = new SafetyMargin(CAP);
    double before = margin.deviations();
    for (int i = 0; i < 1_000; i++) {
      margin.observe(
          new MemoryPlanner.StepCost(BATCH, BATCH + i % 7, 0, 0, 20_000),
          DEVIATION,
          CAPACITY,
          false);
    }
    assertThat(margin.deviations()).isEqualTo(before);
    run(margin, 1_000, tokens -> 20_000, 0, 1);
    assertThat(margin.deviations()).isLessThan(before);
  }

  /** Preemptions fall with the margin like the tail of a normal distribution. */
  @Test
  void loss_settlesAtTheCap() {
    for (double scale : new double[] {0.3, 1, 3}) {
      SafetyMargin margin = new SafetyMargin(CAP);
      double settling = run(margin, 5_000, tokens -> 20_000, scale, 1);
      double lost = run(margin, 20_000, tokens -> 20_000, scale, 1);
      assertThat(settling).as("scale %s", scale).isLessThan(2 * CAP);
      assertThat(lost).as("scale %s", scale).isCloseTo(CAP, within(CAP / 10));
    }
  }

  @Test
  void cheapSwaps_allowMoreLoss() {
    SafetyMargin margin = new SafetyMargin(CAP);
    run(margin, 5_000, tokens -> 20_000, 1, 0.1);
    double lost = run(margin, 20_000, tokens -> 20_000, 1, 0.1);
    assertThat(lost).isCloseTo(10 * CAP, within(CAP));
    run(margin, 20_000, tokens -> 20_000, 1, 0.001);
    assertThat(margin.deviations()).isEqualTo(0.5);
  }

  @Property
  void margin_staysBounded(
      @ForAll @Size(max = 200) List<@IntRange(min = 0, max = 100_000) Integer> lost,
      @ForAll @IntRange(min = 0, max = 100_000) int produced,
      @ForAll @IntRange(min = 0, max = 1_000_000) int nanos) {
    SafetyMargin margin = new SafetyMargin(CAP);
    for (int tokens : lost) {
      margin.observe(
          new MemoryPlanner.StepCost(produced, produced + tokens % 9, tokens, tokens, nanos),
          DEVIATION,
          100,
          tokens % 3 > 0);
      assertThat(margin.deviations()).isBetween(0.5, 6.0);
      assertThat(margin.aim(DEVIATION)).isGreaterThan(0).isLessThanOrEqualTo(CAP);
    }
  }

  /**
   * Simulates steps of a batch that loses contexts of 150 tokens with a probability such that the
   * expected loss is scale * exp(-z^2 / 2) of the produced tokens. Returns the share of lost
   * tokens.
   *
   * @param nanos returns the time of a step by its computed tokens
   * @param price cost to bring a lost token back, in tokens to prefill
   */
  private static double run(
      SafetyMargin margin, int steps, IntToLongFunction nanos, double scale, double price) {
    Random random = new Random(5);
    double lostTokens = 0;
    for (int i = 0; i < steps; i++) {
      double z = margin.deviations();
      double expected = scale * BATCH * Math.exp(-z * z / 2);
      int lost = random.nextDouble() < expected / 150 ? 150 : 0;
      lostTokens += lost;
      int computed = BATCH + i % 7;
      margin.observe(
          new MemoryPlanner.StepCost(
              BATCH, computed, lost, lost * price, nanos.applyAsLong(computed)),
          DEVIATION,
          CAPACITY,
          true);
    }
    return lostTokens / ((double) steps * BATCH);
  }
}
