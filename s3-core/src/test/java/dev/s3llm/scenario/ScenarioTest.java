package dev.s3llm.scenario;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Seeded runs of whole engines with faults. {@code -Ds3.seeds=N} sets the number of seeds; {@code
 * -Ds3.seed=K} runs one seed and prints its log. The message of a failure contains the command to
 * replay it.
 */
class ScenarioTest {
  private static final long SEEDS = 5_000;

  @Test
  void everySeed_keepsThePromises() {
    Long one = Long.getLong("s3.seed");
    if (one != null) {
      new Scenario(one, new DecisionLog(true)).run();
      return;
    }
    long seeds = Long.getLong("s3.seeds", SEEDS);
    Tally tally = new Tally();
    LongStream.range(0, seeds).parallel().forEach(seed -> tally.add(SeedRun.run(seed)));
    System.out.println(tally);
    if (seeds >= SEEDS) {
      assertThat(tally.passes()).as("loop steps").isGreaterThanOrEqualTo(90 * SEEDS);
      assertThat(tally.preemptions()).as("preemptions").isGreaterThan(seeds / 10);
      assertThat(tally.swaps()).as("swaps").isGreaterThan(seeds / 100);
      for (Fault fault : Fault.values()) {
        assertThat(tally.count(fault)).as("%s", fault).isGreaterThan(10);
      }
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("failingSeeds")
  void seedThatOnceFailed_doesNotFailAgain(String seedAndReason) {
    SeedRun.run(Long.parseLong(seedAndReason.substring(0, seedAndReason.indexOf(' '))));
  }

  static Stream<String> failingSeeds() throws IOException {
    try (InputStream in = ScenarioTest.class.getResourceAsStream("failing-seeds.txt")) {
      byte[] bytes = Objects.requireNonNull(in, "failing-seeds.txt").readAllBytes();
      return new String(bytes, StandardCharsets.UTF_8).lines().filter(l -> !l.startsWith("#"));
    }
  }
}
