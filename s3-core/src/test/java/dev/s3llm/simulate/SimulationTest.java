package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.schedule.DecreasingFirstFit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

final class SimulationTest {
  private static final ModelShape MODEL = new ModelShape("tiny", 1e6, 1000);
  private static final GpuProfile GPU = new GpuProfile("slow", 1e9, 1e11, 10_000, 1e9, true);
  private static final int MAX_LENGTH = 128;

  @Test
  void oneRequest_takesItsSteps() {
    Trace trace = new Trace(List.of(new TraceRequest(5_000_000_000L, 10, 3, 0)));

    SimulationResult result = simulation(1_000_000, 0).run(trace, policy("worst-case"));

    CostModel costs = new CostModel(MODEL, GPU);
    long first = costs.stepNanos(10, 10, 0);
    long rest = costs.stepNanos(1, 11, 0) + costs.stepNanos(1, 12, 0);
    assertThat(result.finished()).isEqualTo(1);
    assertThat(result.outputTokens()).isEqualTo(3);
    assertThat(result.steps()).isEqualTo(3);
    assertThat(result.ttftSeconds().p50()).isEqualTo(first / 1e9);
    assertThat(result.tpotSeconds().p99()).isEqualTo(rest / 2 / 1e9);
    assertThat(result.makespanSeconds()).isEqualTo((first + rest) / 1e9);
    assertThat(result.kvUse()).isEqualTo(1.0 / 62); // 16 of 1,000 tokens, in whole blocks
  }

  @Property(tries = 15)
  void everyPolicy_finishesEverything(
      @ForAll long seed, @ForAll @IntRange(min = 140, max = 600) int kvTokens) {
    Trace trace = random(seed);
    long due = trace.requests().stream().mapToLong(SimulationTest::cut).sum();
    for (SimulationPolicy policy : SimulationPolicy.all()) {
      SimulationResult result = simulation(kvTokens * 1000L, seed).run(trace, policy);

      assertThat(result.finished()).as(policy.name()).isEqualTo(trace.requests().size());
      assertThat(result.outputTokens()).as(policy.name()).isEqualTo(due);
      assertThat(result.kvUse()).as(policy.name()).isBetween(0.0, 1.0);
    }
  }

  @Property(tries = 5)
  void sameInputs_giveTheSameDecisions(@ForAll long seed) {
    Trace trace = random(seed);
    for (SimulationPolicy policy : SimulationPolicy.all()) {
      SimulationResult one = simulation(300_000, seed).run(trace, policy);
      SimulationResult two = simulation(300_000, seed).run(trace, policy);

      assertThat(two).usingRecursiveComparison().ignoringFields("planMicros").isEqualTo(one);
    }
  }

  @Test
  void policies_decideDifferently() {
    Trace trace = random(7);

    assertThat(SimulationPolicy.all())
        .extracting(p -> simulation(300_000, 7).run(trace, p).decisionHash())
        .doesNotHaveDuplicates();
  }

  @Test
  void whatNeverFits_isRejected() {
    Trace trace = new Trace(List.of(new TraceRequest(0, 500, 1, 0), new TraceRequest(0, 5, 5, 0)));

    SimulationResult result = simulation(300_000, 0).run(trace, policy("s3"));
    SimulationResult tooSmall = simulation(64_000, 0).run(trace, policy("s3"));

    assertThat(result.rejected()).isEqualTo(1);
    assertThat(result.finished()).isEqualTo(1);
    assertThat(tooSmall.rejected()).isEqualTo(2);
    assertThat(tooSmall.throughputTokensPerSecond()).isZero();
    assertThat(tooSmall.ttftSeconds().p50()).isNaN();
  }

  @Test
  void columnPredictor_needsTheColumn() {
    Trace trace = new Trace(List.of(new TraceRequest(0, 5, 5, 0)));
    Simulation simulation =
        Simulation.builder(MODEL, GPU, 300_000).predictor(SimulatedPredictor.COLUMN).build();

    assertThatIllegalArgumentException()
        .isThrownBy(() -> simulation.run(trace, policy("s3")))
        .withMessageContaining("predicted_tokens");
  }

  private static SimulationPolicy policy(String name) {
    return SimulationPolicy.named(name).orElseThrow();
  }

  /** The seed chooses between settings. */
  private static Simulation simulation(long kvBytes, long seed) {
    SimulationBuilder builder =
        Simulation.builder(MODEL, GPU, kvBytes)
            .maxLength(MAX_LENGTH)
            .maxTokensPerStep(64)
            .maxRunning(32)
            .predictor(SimulatedPredictor.values()[(int) Math.floorMod(seed, 3L)]);
    if (seed % 2 == 0) {
      builder.order(new DecreasingFirstFit(20));
    }
    return (seed % 5 == 0 ? builder.swapBytes(0) : builder).build();
  }

  private static Trace random(long seed) {
    Random random = new Random(seed);
    List<TraceRequest> requests = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      int output = 1 + random.nextInt(random.nextInt(4) == 0 ? 200 : 40);
      int guess = Math.max(1, output / 2 + random.nextInt(output + 1));
      requests.add(new TraceRequest(i * 2_000_000L, 1 + random.nextInt(60), output, guess));
    }
    return new Trace(requests);
  }

  private static long cut(TraceRequest request) {
    return Math.min(request.outputTokens(), MAX_LENGTH - request.promptTokens());
  }
}
