package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.memory.ForecastPlanner;
import dev.s3llm.memory.ForwardingPlanner;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.SchedulingPolicies;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The forecast planner in whole runs: the tokens that it loses, and the costs it receives. */
final class ForecastSimulationTest {
  private static final CostModel.ModelShape MODEL =
      CostModel.ModelShape.named("llama-33b").orElseThrow();
  private static final CostModel.GpuProfile GPU = CostModel.GpuProfile.named("h200").orElseThrow();
  private static final long KV_BYTES = 12_000_000_000L;

  @Test
  void exactLengths_needNoPreemption() {
    SimulationResult result = run(trace(length -> length), SimulatedPredictor.EXACT, "forecast");
    assertThat(result.memory().preemptions()).isZero();
  }

  /** All answers are twice as long as predicted, so errors do not average out over a batch. */
  @ParameterizedTest
  @EnumSource(names = {"COLUMN", "CALIBRATED"})
  void burstTwiceAsLongAsPredicted_losesLittle(SimulatedPredictor predictor) {
    Trace burst = trace(length -> Math.max(1, length / 2));
    SimulationResult forecast = run(burst, predictor, "forecast");
    SimulationResult onDemand = run(burst, predictor, "on-demand");

    assertThat(forecast.requests().finished()).isEqualTo(burst.requests().size());
    assertThat(forecast.memory().recomputedTokens()).isPositive();
    assertThat(forecast.memory().recomputedTokens())
        .isLessThan(forecast.throughput().outputTokens() / 12);
    assertThat(forecast.memory().recomputedTokens())
        .isLessThan(onDemand.memory().recomputedTokens() / 3);
    assertThat(forecast.memory().preemptions()).isLessThan(burst.requests().size() / 3);
  }

  @Test
  void reportedStepCosts_addUpToTheResultOfTheRun() {
    Recording planner = new Recording();
    SimulationPolicy policy =
        new SimulationPolicy(
            "recording", truth -> planner, Recovery.preempting(Recovery.Victim.NEWEST));
    SimulationResult result =
        simulation(SimulatedPredictor.COLUMN).run(trace(length -> 1 + length / 3), policy);

    long lost = planner.costs.stream().mapToLong(MemoryPlanner.StepCost::lostTokens).sum();
    long produced = planner.costs.stream().mapToLong(MemoryPlanner.StepCost::producedTokens).sum();
    long computed = planner.costs.stream().mapToLong(MemoryPlanner.StepCost::computedTokens).sum();
    assertThat(planner.costs)
        .hasSize((int) result.planning().steps() - 1); // the last step is not reported
    assertThat(lost).isEqualTo(result.memory().recomputedTokens()).isPositive();
    assertThat(planner.costs).allMatch(cost -> cost.recoveryTokens() == cost.lostTokens());
    assertThat(result.throughput().outputTokens() - produced)
        .isBetween(1L, 3L); // tokens of the last step
    assertThat(computed).isGreaterThan(produced + lost);
    assertThat(planner.costs).allMatch(cost -> cost.nanos() > 0);
  }

  /** If swaps are cheap, the planner uses more memory and accepts more preemptions. */
  @Test
  void cheapSwaps_letThePlannerPackTighter() {
    Trace trace = trace(length -> 90);
    SimulationResult recomputing = cramped(0).run(trace, policy("forecast"));
    SimulationResult swapping = cramped(KV_BYTES).run(trace, policy("forecast"));
    assertThat(swapping.memory().recomputedTokens()).isZero();
    assertThat(swapping.memory().swappedTokens())
        .isGreaterThan(10 * recomputing.memory().recomputedTokens());
    assertThat(swapping.memory().kvUse()).isGreaterThan(recomputing.memory().kvUse() + 0.1);
    assertThat(swapping.throughput().makespanSeconds())
        .isLessThan(0.95 * recomputing.throughput().makespanSeconds());
  }

  /** Returns a simulation with little memory, slow computing and fast copies. */
  private static Simulation cramped(long swapBytes) {
    CostModel.GpuProfile slow =
        new CostModel.GpuProfile("slow", 5e12, 4e13, 20_000_000, 1e13, true);
    return Simulation.builder(MODEL, slow, KV_BYTES / 3)
        .swapBytes(swapBytes)
        .predictor(SimulatedPredictor.CALIBRATED)
        .schedulingPolicy(SchedulingPolicies.firstComeFirstServed())
        .build();
  }

  private static SimulationPolicy policy(String name) {
    return SimulationPolicy.named(name).orElseThrow();
  }

  private static SimulationResult run(Trace trace, SimulatedPredictor predictor, String policy) {
    return simulation(predictor).run(trace, policy(policy));
  }

  private static Simulation simulation(SimulatedPredictor predictor) {
    return Simulation.builder(MODEL, GPU, KV_BYTES)
        .swapBytes(0)
        .predictor(predictor)
        .schedulingPolicy(SchedulingPolicies.firstComeFirstServed()) // it displaces nothing
        .build();
  }

  /** Returns requests that arrive at once, with lengths as skewed as real ones. */
  private static Trace trace(IntUnaryOperator predicted) {
    Random random = new Random(3);
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 1_500; i++) {
      int output = (int) Math.max(5, Math.min(800, 90 * Math.exp(0.8 * random.nextGaussian())));
      int prompt = 10 + random.nextInt(60);
      requests.add(new Trace.Request(0, prompt, output, predicted.applyAsInt(output)));
    }
    return new Trace(requests);
  }

  /** A forecast planner that records the reported costs. */
  private static final class Recording extends ForwardingPlanner {
    private final List<MemoryPlanner.StepCost> costs = new ArrayList<>();

    Recording() {
      super(new ForecastPlanner());
    }

    @Override
    public void stepCompleted(MemoryPlanner.StepCost cost) {
      costs.add(cost);
      super.stepCompleted(cost);
    }
  }
}
