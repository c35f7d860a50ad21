package dev.s3llm.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Seeded runs of the whole loop against the oracle and the hash executor. {@code -Ds3.seeds=N} runs
 * more; a failure names the seed that replays it.
 */
class EngineSeedsTest {
  private static final long SEEDS = Long.getLong("s3.seeds", 10_000);

  @Test
  void everySeed_keepsTheInvariants() {
    long steps = 0;
    long preemptions = 0;
    long swaps = 0;
    long losses = 0;
    for (long seed = 0; seed < SEEDS; seed++) {
      EngineScenario scenario = new EngineScenario(seed).run();
      steps += scenario.steps();
      preemptions += scenario.preemptions();
      swaps += scenario.swaps();
      losses += scenario.lost() ? 1 : 0;
    }
    System.out.printf(
        "engine seeds: %,d seeds, %,d loop passes, %,d preemptions, %,d of them swaps, %,d lost"
            + " executors%n",
        SEEDS, steps, preemptions, swaps, losses);
    assertThat(preemptions).as("the scenarios must exercise preemption").isGreaterThan(SEEDS / 10);
    assertThat(swaps).as("the scenarios must exercise swapping").isGreaterThan(SEEDS / 100);
    assertThat(losses).as("the scenarios must lose executors").isGreaterThan(SEEDS / 1000);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 5, 8, 13, 21, 34, 55, 89})
  void sameSeed_makesTheSameDecisions(long seed) {
    assertThat(new EngineScenario(seed).run().logHash())
        .isEqualTo(new EngineScenario(seed).run().logHash());
  }
}
