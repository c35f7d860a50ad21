package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.schedule.SchedulingPolicies;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The engine keeps a target for the time per output token under a load that would break it. In
 * order of arrival: where the longest requests run together at last, their growing contexts exceed
 * it.
 */
class TokenTimeTest {
  private static final double TARGET = 0.03;

  /** Number of first requests that do not count, because the step-time model is learning. */
  private static final int LEARNING = 60;

  private static final SimulationPolicy POLICY = SimulationPolicy.named("on-demand").orElseThrow();

  @Test
  void tokenTime_isKeptByMostRequests() {
    Trace trace = trace();
    double without = share(trace, false);
    double with = share(trace, true);
    assertThat(without).as("share within the target, not kept").isLessThan(0.5);
    assertThat(with).as("share within the target, kept").isGreaterThan(0.95);
  }

  @Test
  void everyRequest_finishes() {
    SimulationResult kept = simulation(TARGET).run(trace(), POLICY);
    assertThat(kept.requests().finished()).isEqualTo(kept.requests().total());
  }

  @Test
  void withoutATarget_decisionsAreThoseWithoutTheGuard() {
    Simulation plain = base().build();
    Simulation kept = base().keepTpot(true).build(); // there is no target to keep
    assertThat(kept.run(trace(), POLICY).planning().decisionHash())
        .isEqualTo(plain.run(trace(), POLICY).planning().decisionHash());
  }

  @Test
  void targetNoStepCanKeep_changesNoDecision() {
    Simulation plain = base().build();
    Simulation kept = simulation(1e-6);
    assertThat(kept.run(trace(), POLICY).planning().decisionHash())
        .isEqualTo(plain.run(trace(), POLICY).planning().decisionHash());
  }

  private static double share(Trace trace, boolean keep) {
    int[] within = new int[2];
    (keep ? simulation(TARGET) : base().build())
        .run(
            trace,
            POLICY,
            new Simulation.Listener() {
              @Override
              public void onEnd(SimulationResult.RequestOutcome outcome) {
                if (outcome.request() >= LEARNING) {
                  within[0] += outcome.tpotSeconds() <= TARGET ? 1 : 0;
                  within[1]++;
                }
              }
            });
    return (double) within[0] / within[1];
  }

  private static Simulation simulation(double targetSeconds) {
    Simulation.LatencyTargets targets =
        new Simulation.LatencyTargets(Double.POSITIVE_INFINITY, targetSeconds);
    return base().targets(targets).keepTpot(true).build();
  }

  private static Simulation.Builder base() {
    return Simulation.builder(
            CostModel.ModelShape.named("llama-13b").orElseThrow(),
            CostModel.GpuProfile.named("h200").orElseThrow(),
            90_000_000_000L)
        .maxLength(4096)
        .schedulingPolicy(SchedulingPolicies.firstComeFirstServed())
        .maxTokensPerStep(4096);
  }

  /** Returns long prompts that arrive faster than the engine can answer within the target. */
  private static Trace trace() {
    Random random = new Random(5);
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 600; i++) {
      int prompt = 200 + random.nextInt(2_000);
      requests.add(new Trace.Request(i * 20_000_000L, prompt, 50 + random.nextInt(300), 0));
    }
    return new Trace(requests);
  }
}
