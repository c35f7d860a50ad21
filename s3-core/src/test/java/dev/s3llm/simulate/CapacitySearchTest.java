package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Equal requests at equal gaps, served one at a time: the queue grows if gaps are too short. */
final class CapacitySearchTest {
  private static final CostModel.ModelShape MODEL = new CostModel.ModelShape("tiny", 1e6, 1000);
  private static final CostModel.GpuProfile GPU =
      new CostModel.GpuProfile("slow", 1e9, 1e11, 10_000, 1e9, true);
  private static final CostModel COSTS = new CostModel(MODEL, GPU);
  private static final SimulationPolicy POLICY = SimulationPolicy.named("worst-case").orElseThrow();
  private static final int PROMPT_TOKENS = 10;
  private static final int OUTPUT_TOKENS = 5;
  private static final int REQUESTS = 500;

  @Test
  void rate_isThatOfTheServer() {
    double known = 1e9 / serviceNanos();
    for (double recordedRate : List.of(known / 50, known * 3)) {
      CapacitySearch.Capacity capacity =
          new CapacitySearch(oneAtATime(2 * serviceNanos() / 1e9), 1, 0.001)
              .find(evenly(recordedRate), POLICY)
              .orElseThrow();

      // the target allows a queue of one request at the end of the trace
      assertThat(capacity.ratePerSecond()).isCloseTo(known, within(known * 0.005));
      assertThat(capacity.bounded()).isTrue();
      assertThat(capacity.result().requests().metTargets()).isEqualTo(REQUESTS);
    }
  }

  @Test
  void smallerShare_allowsHigherRate() {
    Trace trace = evenly(10);
    Simulation simulation = oneAtATime(1);

    double all =
        new CapacitySearch(simulation, 1, 0.01).find(trace, POLICY).orElseThrow().ratePerSecond();
    double half =
        new CapacitySearch(simulation, 0.5, 0.01).find(trace, POLICY).orElseThrow().ratePerSecond();

    // waits grow linearly: half of the requests may wait longer than the target
    assertThat(half).isGreaterThan(all * 1.05);
  }

  @Test
  void targetsThatNoRequestMeets_haveNoCapacity() {
    assertThat(new CapacitySearch(oneAtATime(1e-9), 0.5, 0.01).find(evenly(1), POLICY)).isEmpty();
  }

  @Test
  void targetsThatEveryRequestMeets_areUnbounded() {
    CapacitySearch.Capacity capacity =
        new CapacitySearch(oneAtATime(1e9), 1, 0.01).find(evenly(1), POLICY).orElseThrow();

    assertThat(capacity.bounded()).isFalse();
    assertThat(capacity.ratePerSecond())
        .isCloseTo(CapacitySearch.WIDEST, within(CapacitySearch.WIDEST * 1e-6));
  }

  @Test
  void gpus_areRoundedUp() {
    CapacitySearch.Capacity capacity =
        new CapacitySearch(oneAtATime(1), 1, 0.01).find(evenly(10), POLICY).orElseThrow();
    double rate = capacity.ratePerSecond();

    assertThat(capacity.gpusFor(rate * 2.99)).isEqualTo(3);
    assertThat(capacity.gpusFor(rate * 3.01)).isEqualTo(4);
    assertThat(capacity.gpusFor(rate / 100)).isEqualTo(1);
  }

  @Test
  void badArguments_areRefused() {
    Simulation simulation = oneAtATime(1);

    assertThatIllegalArgumentException().isThrownBy(() -> new CapacitySearch(simulation, 0, 0.01));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CapacitySearch(simulation, 1.01, 0.01));
    assertThatIllegalArgumentException().isThrownBy(() -> new CapacitySearch(simulation, 1, 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CapacitySearch(simulation, 1, 0.1).find(evenly(1).atOnce(), POLICY))
        .withMessageContaining("at once");
  }

  private static Simulation oneAtATime(double ttftSeconds) {
    return Simulation.builder(MODEL, GPU, 1_000_000)
        .maxLength(128)
        .maxTokensPerStep(64)
        .maxRunning(1)
        .targets(new Simulation.LatencyTargets(ttftSeconds, Double.POSITIVE_INFINITY))
        .build();
  }

  private static long serviceNanos() {
    long nanos = COSTS.stepNanos(PROMPT_TOKENS, PROMPT_TOKENS, 0);
    for (int i = 1; i < OUTPUT_TOKENS; i++) {
      nanos += COSTS.stepNanos(1, PROMPT_TOKENS + i, 0);
    }
    return nanos;
  }

  private static Trace evenly(double ratePerSecond) {
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      requests.add(
          new Trace.Request(Math.round(i / ratePerSecond * 1e9), PROMPT_TOKENS, OUTPUT_TOKENS, 0));
    }
    return new Trace(requests);
  }
}
