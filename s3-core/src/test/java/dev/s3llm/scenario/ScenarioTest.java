package dev.s3llm.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/**
 * Seeded runs of whole engines with faults, each twice. {@code -Ds3.seeds=N} runs more, {@code
 * -Ds3.seed=K} one alone, and prints what happens in it; a failure's message replays it.
 */
class ScenarioTest {
  @Test
  void everySeed_keepsThePromises() {
    Long one = Long.getLong("s3.seed");
    if (one != null) {
      new Scenario(one, new DecisionLog(true)).run();
      return;
    }
    long seeds = Long.getLong("s3.seeds", 10_000);
    Tally tally = new Tally();
    for (long seed = 0; seed < seeds; seed++) {
      Scenario scenario = new Scenario(seed).run();
      tally.add(scenario);
      if (seed % 10 == 0) {
        assertThat(new Scenario(seed).run().logHash())
            .as("Determinism: seed %d makes other decisions when it runs again", seed)
            .isEqualTo(scenario.logHash());
      }
    }
    System.out.println(tally);
  }
}
