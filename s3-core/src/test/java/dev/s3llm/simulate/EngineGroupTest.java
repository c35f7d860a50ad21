package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.s3llm.simulate.SimulationResult.RequestOutcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Several engines share a trace's requests. */
final class EngineGroupTest {
  private static final CostModel.ModelShape MODEL = new CostModel.ModelShape("tiny", 1e6, 1000);
  private static final CostModel.GpuProfile GPU =
      new CostModel.GpuProfile("slow", 1e9, 1e11, 10_000, 1e9, true);
  private static final SimulationPolicy POLICY = SimulationPolicy.named("forecast").orElseThrow();

  private static Simulation engines(int count) {
    return Simulation.builder(MODEL, GPU, 3_000_000).maxLength(500).engines(count).build();
  }

  private static Trace trace(int requests) {
    Random random = new Random(1);
    return new Trace(
        IntStream.range(0, requests)
            .mapToObj(
                i -> new Trace.Request(i * 1_000L, 20, 1 + random.nextInt(300), 0, "t" + i % 3))
            .toList());
  }

  @Test
  void twoEngines_makeNearlyTwiceTheTokens() {
    Trace trace = trace(600);
    SimulationResult one = engines(1).run(trace, POLICY);
    SimulationResult two = engines(2).run(trace, POLICY);
    assertThat(two.requests().finished()).isEqualTo(600);
    assertThat(two.throughput().outputTokens()).isEqualTo(one.throughput().outputTokens());
    assertThat(two.throughput().tokensPerSecond())
        .isCloseTo(2 * one.throughput().tokensPerSecond(), withinPercentage(10));
    assertThat(two.memory().kvUse()).isCloseTo(one.memory().kvUse(), withinPercentage(10));
    assertThat(two.groups().byTenant()).hasSize(3);
    assertThat(two.planning().decisionHash())
        .isEqualTo(engines(2).run(trace, POLICY).planning().decisionHash())
        .isNotEqualTo(one.planning().decisionHash());
  }

  @Test
  void eachRequest_hasOneOutcomeWithItsIndex() {
    Trace trace = trace(100);
    List<RequestOutcome> outcomes = new ArrayList<>();
    Simulation.Listener collector =
        new Simulation.Listener() {
          @Override
          public void onEnd(RequestOutcome outcome) {
            outcomes.add(outcome);
          }
        };
    engines(3).run(trace, POLICY, collector);
    assertThat(outcomes).extracting(RequestOutcome::request).doesNotHaveDuplicates().hasSize(100);
    assertThat(outcomes)
        .allSatisfy(
            outcome ->
                assertThat(outcome.outputTokens())
                    .isEqualTo(trace.requests().get(outcome.request()).outputTokens()));
  }

  /** Long and short answers take turns: by numbers one engine would get all long ones. */
  @Test
  void requestsAreDealtByPredictedWork() {
    Trace trace =
        new Trace(
            IntStream.range(0, 200)
                .mapToObj(i -> new Trace.Request(0, 10, i % 2 == 0 ? 200 : 10, 0))
                .toList());
    SimulationResult one = engines(1).run(trace, POLICY);
    SimulationResult two = engines(2).run(trace, POLICY);
    assertThat(two.throughput().makespanSeconds())
        .isLessThan(0.6 * one.throughput().makespanSeconds());
  }

  @Test
  void moreEnginesThanRequests_leaveSomeIdle() {
    SimulationResult result = engines(8).run(trace(3), POLICY);
    assertThat(result.requests().finished()).isEqualTo(3);
  }
}
