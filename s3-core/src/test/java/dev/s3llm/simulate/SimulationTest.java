package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SchedulingPolicies;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

final class SimulationTest {
  private static final CostModel.ModelShape MODEL = new CostModel.ModelShape("tiny", 1e6, 1000);
  private static final CostModel.GpuProfile GPU =
      new CostModel.GpuProfile("slow", 1e9, 1e11, 10_000, 1e9, true);
  private static final int MAX_LENGTH = 128;

  @Test
  void oneRequest_takesTheTimeOfItsSteps() {
    Trace trace = new Trace(List.of(new Trace.Request(5_000_000_000L, 10, 3, 0)));

    SimulationResult result = simulation(1_000_000, 0).run(trace, policy("worst-case"));

    CostModel costs = new CostModel(MODEL, GPU);
    long first = costs.stepNanos(10, 10, 0);
    long rest = costs.stepNanos(1, 11, 0) + costs.stepNanos(1, 12, 0);
    assertThat(result.requests().finished()).isEqualTo(1);
    assertThat(result.throughput().outputTokens()).isEqualTo(3);
    assertThat(result.planning().steps()).isEqualTo(3);
    assertThat(result.latency().ttftSeconds().p50()).isEqualTo(first / 1e9);
    assertThat(result.latency().tpotSeconds().p99()).isEqualTo(rest / 2 / 1e9);
    assertThat(result.throughput().makespanSeconds()).isEqualTo((first + rest) / 1e9);
    assertThat(result.latency().totalSeconds().mean()).isEqualTo((first + rest) / 1e9);
    assertThat(result.latency().queueSeconds().mean()).isZero();
    assertThat(result.latency().slowdown().p99()).isEqualTo(1);
    assertThat(result.order()).isEqualTo("dff");
    assertThat(result.memory().kvUse()).isEqualTo(1.0 / 62); // 16 of 1,000 tokens, in whole blocks
  }

  @Test
  void oneCanvas_takesTheTimeOfItsPasses() {
    Trace trace = new Trace(List.of(new Trace.Request(5_000_000_000L, 10, 20, 0)));
    Simulation masked =
        Simulation.builder(MODEL, GPU, 1_000_000).maxLength(MAX_LENGTH).canvasPasses(3).build();

    for (SimulationPolicy policy : SimulationPolicy.all()) {
      SimulationResult result = masked.run(trace, policy);
      CostModel costs = new CostModel(MODEL, GPU);
      long nanos = costs.stepNanos(10, 10, 0) + 3 * costs.stepNanos(32, 42, 0);
      assertThat(result.planning().steps()).isEqualTo(4);
      assertThat(result.throughput().outputTokens()).isEqualTo(20);
      assertThat(result.throughput().makespanSeconds()).isEqualTo(nanos / 1e9);
      assertThat(result.latency().ttftSeconds().p50()).isEqualTo(nanos / 1e9);
      assertThat(result.latency().slowdown().mean()).isEqualTo(1);
    }
  }

  @Test
  void chunkedPrefill_aloneIsNoSlowdown() {
    Trace trace = new Trace(List.of(new Trace.Request(0, 100, 20, 0)));

    SimulationResult result = simulation(1_000_000, 0).run(trace, policy("on-demand"));

    assertThat(result.planning().steps()).isEqualTo(2 + 19); // chunks of 64 and 36 tokens
    assertThat(result.latency().slowdown().mean()).isEqualTo(1);
  }

  @Test
  void meansAndQuantiles_areThoseOfTheOutcomes() {
    Trace trace = random(6);
    List<Double> totals = new ArrayList<>();
    List<Double> queued = new ArrayList<>();
    Simulation.Listener listener =
        new Simulation.Listener() {
          @Override
          public void onEnd(SimulationResult.RequestOutcome outcome) {
            totals.add(outcome.totalSeconds());
            queued.add(outcome.queuedSeconds());
          }
        };

    SimulationResult.Latency latency =
        simulation(300_000, 5).run(trace, policy("on-demand"), listener).latency();

    assertThat(latency.totalSeconds().mean()).isCloseTo(mean(totals), within(1e-9));
    assertThat(latency.totalSeconds().p99()).isEqualTo(totals.stream().max(Double::compare).get());
    assertThat(latency.queueSeconds().mean()).isPositive().isCloseTo(mean(queued), within(1e-9));
    assertThat(latency.slowdown().mean()).isGreaterThan(1);
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(x -> x).average().orElseThrow();
  }

  @Test
  void terms_ofARequest_areKept() {
    Trace.Terms limited = new Trace.Terms(4, 0, Long.MAX_VALUE, "", Long.MAX_VALUE);
    Trace.Terms late = new Trace.Terms(0, 0, 1_000_000, "", Long.MAX_VALUE);
    Trace.Terms cancelled = new Trace.Terms(0, 0, Long.MAX_VALUE, "", 1_000_000);
    List<SimulationResult.RequestOutcome> outcomes = new ArrayList<>();

    for (Trace.Terms terms : List.of(limited, late, cancelled)) {
      Trace trace = new Trace(List.of(new Trace.Request(5, 10, 60, 0, terms)));
      simulation(1_000_000, 0)
          .run(
              trace,
              policy("forecast"),
              new Simulation.Listener() {
                @Override
                public void onEnd(SimulationResult.RequestOutcome outcome) {
                  outcomes.add(outcome);
                }
              });
    }

    assertThat(outcomes.get(0).finished()).isTrue();
    assertThat(outcomes.get(0).outputTokens()).isEqualTo(4);
    assertThat(outcomes.get(1).finished()).isFalse();
    assertThat(outcomes.get(1).totalNanos()).isEqualTo(1_000_000);
    assertThat(outcomes.get(2).finished()).isFalse();
    assertThat(outcomes.get(2).totalNanos()).isEqualTo(1_000_000);
  }

  @Test
  void cancellationAfterTheEnd_isWithoutEffect() {
    Trace.Terms terms = new Trace.Terms(0, 0, Long.MAX_VALUE, "", 3_600_000_000_000L);
    Trace trace = new Trace(List.of(new Trace.Request(0, 10, 3, 0, terms)));

    SimulationResult result = simulation(1_000_000, 0).run(trace, policy("forecast"));

    assertThat(result.requests().finished()).isEqualTo(1);
    assertThat(result.throughput().makespanSeconds()).isLessThan(60);
  }

  @Test
  void priority_goesFirst() {
    Trace.Terms urgent = new Trace.Terms(0, 9, Long.MAX_VALUE, "", Long.MAX_VALUE);
    Trace trace =
        new Trace(
            List.of(
                new Trace.Request(0, 10, 30, 0),
                new Trace.Request(1, 10, 30, 0),
                new Trace.Request(1, 10, 30, 0, urgent)));
    List<Integer> order = new ArrayList<>();

    Simulation.builder(MODEL, GPU, 1_000_000)
        .maxLength(MAX_LENGTH)
        .maxRunning(1)
        .build()
        .run(
            trace,
            policy("on-demand"),
            new Simulation.Listener() {
              @Override
              public void onEnd(SimulationResult.RequestOutcome outcome) {
                order.add(outcome.request());
              }
            });

    assertThat(order).containsExactly(0, 2, 1);
  }

  @Test
  void watermark_isPartOfTheName() {
    assertThat(SimulationPolicy.onDemand(0.05).name()).isEqualTo("on-demand:0.05");
    assertThatIllegalArgumentException().isThrownBy(() -> SimulationPolicy.onDemand(1));
  }

  @Test
  void canvases_endUnderAllPoliciesAndPredictions() {
    Random random = new Random(3);
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      requests.add(
          new Trace.Request(
              0,
              1 + random.nextInt(50),
              1 + random.nextInt(60),
              1 + random.nextInt(9),
              Trace.Terms.NONE,
              new TreeMap<>(Map.of(0, LengthPrediction.exactly(1 + random.nextInt(60)))),
              List.of()));
    }
    for (SimulatedPredictor predictor : SimulatedPredictor.values()) {
      Simulation masked =
          Simulation.builder(MODEL, GPU, 400_000)
              .schedulingPolicy(SchedulingPolicies.firstComeFirstServed())
              .maxLength(MAX_LENGTH)
              .canvasPasses(3)
              .predictor(predictor)
              .build();
      for (SimulationPolicy policy : SimulationPolicy.all()) {
        SimulationResult result = masked.run(new Trace(requests), policy);
        assertThat(result.requests().finished()).isEqualTo(200);
        boolean knows = policy.name().matches("worst-case|oracle|clairvoyant");
        if (knows || (predictor == SimulatedPredictor.EXACT && policy.name().equals("forecast"))) {
          assertThat(result.memory().preemptions()).as(policy.name()).isZero();
        }
      }
    }
  }

  @Test
  void targets_countRequestsThatMeetBoth() {
    Trace.Request request = new Trace.Request(0, 10, 3, 0);
    CostModel costs = new CostModel(MODEL, GPU);
    double first = costs.stepNanos(10, 10, 0) / 1e9;

    // the second arrives when the first has ended; the third arrives with the second and waits
    Trace trace = new Trace(List.of(request, request.at(1_000_000_000), request.at(1_000_000_000)));

    assertThat(met(trace, new Simulation.LatencyTargets(first * 1.01, 1))).isEqualTo(2);
    assertThat(met(trace, new Simulation.LatencyTargets(first * 0.99, 1))).isZero();
    assertThat(met(trace, new Simulation.LatencyTargets(1, 1))).isEqualTo(3);
    assertThat(met(trace, new Simulation.LatencyTargets(1, 1e-6))).isZero();
    assertThat(met(trace, Simulation.LatencyTargets.NONE)).isEqualTo(3);
    assertThatIllegalArgumentException().isThrownBy(() -> new Simulation.LatencyTargets(0, 1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Simulation.LatencyTargets(1, Double.NaN));
  }

  @Test
  void listener_seesTheWholeRun() {
    Trace trace = random(5);
    List<SimulationResult.RequestOutcome> outcomes = new ArrayList<>();
    long[] busy = new long[2]; // nanoseconds, block-nanoseconds
    Simulation.Listener listener =
        new Simulation.Listener() {
          @Override
          public void onInterval(long fromNanos, long toNanos, EngineSnapshot state) {
            busy[0] += toNanos - fromNanos;
            busy[1] += (toNanos - fromNanos) * state.memory().allocatedBlocks();
          }

          @Override
          public void onEnd(SimulationResult.RequestOutcome outcome) {
            outcomes.add(outcome);
          }
        };

    SimulationResult result = simulation(300_000, 5).run(trace, policy("on-demand"), listener);

    assertThat(outcomes)
        .extracting(SimulationResult.RequestOutcome::request)
        .doesNotHaveDuplicates()
        .hasSize(60);
    assertThat(outcomes.stream().mapToLong(SimulationResult.RequestOutcome::preemptions).sum())
        .isEqualTo(result.memory().preemptions());
    assertThat(busy[0] / 1e9).isEqualTo(result.throughput().makespanSeconds());
    assertThat(busy[1] / 18.0 / busy[0]).isCloseTo(result.memory().kvUse(), within(1e-9));
  }

  @Test
  void forecast_takesItsLossShare() {
    assertThat(SimulationPolicy.forecast(0.5).name()).isEqualTo("forecast");
    assertThatIllegalArgumentException().isThrownBy(() -> SimulationPolicy.forecast(0));
  }

  @Property(tries = 15)
  void everyPolicy_finishesEverything(
      @ForAll long seed, @ForAll @IntRange(min = 140, max = 600) int kvTokens) {
    Trace trace = random(seed);
    long due = trace.requests().stream().mapToLong(SimulationTest::cut).sum();
    for (SimulationPolicy policy : SimulationPolicy.all()) {
      SimulationResult result = simulation(kvTokens * 1000L, seed).run(trace, policy);

      assertThat(result.requests().finished()).as(policy.name()).isEqualTo(trace.requests().size());
      assertThat(result.throughput().outputTokens()).as(policy.name()).isEqualTo(due);
      assertThat(result.memory().kvUse()).as(policy.name()).isBetween(0.0, 1.0);
    }
  }

  @Property(tries = 5)
  void sameInputs_giveTheSameDecisions(@ForAll long seed) {
    Trace trace = random(seed);
    for (SimulationPolicy policy : SimulationPolicy.all()) {
      SimulationResult one = simulation(300_000, seed).run(trace, policy);
      SimulationResult two = simulation(300_000, seed).run(trace, policy);

      assertThat(two)
          .usingRecursiveComparison()
          .ignoringFields("planning.planMicros")
          .isEqualTo(one);
    }
  }

  @Test
  void policies_decideDifferently() {
    Trace trace = random(7);

    assertThat(SimulationPolicy.all())
        .extracting(p -> simulation(300_000, 7).run(trace, p).planning().decisionHash())
        .doesNotHaveDuplicates();
  }

  @Test
  void requestsThatNeverFit_areRejected() {
    Trace trace =
        new Trace(List.of(new Trace.Request(0, 500, 1, 0), new Trace.Request(0, 5, 5, 0)));

    SimulationResult result = simulation(300_000, 0).run(trace, policy("s3"));
    SimulationResult tooSmall = simulation(64_000, 0).run(trace, policy("s3"));

    assertThat(result.requests().rejected()).isEqualTo(1);
    assertThat(result.requests().finished()).isEqualTo(1);
    assertThat(tooSmall.requests().rejected()).isEqualTo(2);
    assertThat(tooSmall.throughput().tokensPerSecond()).isZero();
    assertThat(tooSmall.latency().ttftSeconds().p50()).isNaN();
  }

  @Test
  void columnPredictor_needsTheColumn() {
    Trace trace = new Trace(List.of(new Trace.Request(0, 5, 5, 0)));
    Simulation simulation =
        Simulation.builder(MODEL, GPU, 300_000).predictor(SimulatedPredictor.COLUMN).build();

    assertThatIllegalArgumentException()
        .isThrownBy(() -> simulation.run(trace, policy("s3")))
        .withMessageContaining("predicted_tokens");
  }

  /** Returns how many requests meet the targets if one runs at a time. */
  private static int met(Trace trace, Simulation.LatencyTargets targets) {
    return Simulation.builder(MODEL, GPU, 1_000_000)
        .maxLength(MAX_LENGTH)
        .maxTokensPerStep(64)
        .maxRunning(1)
        .targets(targets)
        .build()
        .run(trace, policy("worst-case"))
        .requests()
        .metTargets();
  }

  private static SimulationPolicy policy(String name) {
    return SimulationPolicy.named(name).orElseThrow();
  }

  /** Returns a simulation whose settings depend on the seed. */
  private static Simulation simulation(long kvBytes, long seed) {
    Simulation.Builder builder =
        Simulation.builder(MODEL, GPU, kvBytes)
            .maxLength(MAX_LENGTH)
            .maxTokensPerStep(64)
            .maxRunning(32)
            .predictor(SimulatedPredictor.values()[(int) Math.floorMod(seed, 3L)]);
    if (seed % 2 == 0) {
      builder.schedulingPolicy(SchedulingPolicies.decreasingFirstFit(20));
    }
    return (seed % 5 == 0 ? builder.swapBytes(0) : builder).build();
  }

  private static Trace random(long seed) {
    Random random = new Random(seed);
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      int output = 1 + random.nextInt(random.nextInt(4) == 0 ? 200 : 40);
      int guess = Math.max(1, output / 2 + random.nextInt(output + 1));
      requests.add(new Trace.Request(i * 2_000_000L, 1 + random.nextInt(60), output, guess));
    }
    return new Trace(requests);
  }

  private static long cut(Trace.Request request) {
    return Math.min(request.outputTokens(), MAX_LENGTH - request.promptTokens());
  }
}
