package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.HintedPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Estimated latencies of requests that join the queue, against the actual latencies. */
class LatencyEstimateTest {
  private static final int REQUESTS = 1_500;
  private static final int MAX_NEW = 600;

  /** Gap between arrivals, in nanoseconds: twice the rate that the engine can serve. */
  private static final long GAP = 15_000_000L;

  private final List<Expected> expectations = new ArrayList<>();

  private static final class Expected {
    /** The hint: the true length, or 0 for none. */
    final int tokens;

    @Nullable LatencyEstimate estimate;
    @Nullable SequenceOutcome outcome;

    Expected(int tokens) {
      this.tokens = tokens;
    }
  }

  @Test
  void waits_areNearTheEstimates() {
    run();
    double[] queued = ratios(e -> e.queued(), o -> o.timing().queuedNanos());
    double[] first = ratios(e -> e.firstToken(), o -> o.timing().firstTokenNanos());
    assertThat(queued.length).as("waited for a second or more").isGreaterThan(REQUESTS / 2);
    assertThat(quantile(queued, 0.5)).as("median of expected / actual wait").isBetween(0.8, 1.25);
    assertThat(quantile(queued, 0.1)).isGreaterThan(0.6);
    assertThat(quantile(queued, 0.9)).isLessThan(1.6);
    assertThat(quantile(first, 0.5)).as("of the first token").isBetween(0.8, 1.25);
  }

  @Test
  void requestsWithTooLateEstimates_areLate() {
    run();
    long limit = 5_000_000_000L;
    int refused = 0;
    int late = 0;
    for (Expected e : expectations) {
      if (e.estimate != null && e.outcome != null && e.estimate.firstToken().toNanos() > limit) {
        refused++;
        late += e.outcome.timing().firstTokenNanos() > 0.8 * limit ? 1 : 0;
      }
    }
    assertThat(refused).isGreaterThan(100);
    assertThat((double) late / refused).as("late, or nearly").isGreaterThan(0.97);
  }

  @Test
  void firstRequests_getNoEstimate() {
    run();
    assertThat(expectations.get(0).estimate).isNull();
    assertThat(expectations.get(REQUESTS - 1).estimate).isNotNull();
  }

  @Test
  void shortRequests_haveShortEstimates_whereTheyGoFirst() {
    run(0, GAP, SchedulingPolicies.shortestRemainingFirst());
    List<Expected> brief =
        expectations.stream().filter(e -> e.estimate != null && e.tokens < 40).toList();
    assertThat(brief).hasSizeGreaterThan(200);
    assertThat(brief)
        .allSatisfy(
            e -> {
              assertThat(e.estimate.queued()).isLessThan(Duration.ofSeconds(2));
              assertThat(e.outcome.timing().queuedNanos()).isLessThan(2_000_000_000L);
            });
    assertThat(expectations.stream().filter(e -> e.estimate != null && e.tokens > 300))
        .anySatisfy(e -> assertThat(e.estimate.queued()).isGreaterThan(Duration.ofSeconds(5)));
  }

  @Test
  void firstTokensOfCanvases_areNearTheEstimates() {
    run(3, GAP / 6, SchedulingPolicies.firstComeFirstServed(Integer.MAX_VALUE));
    double[] queued = ratios(e -> e.queued(), o -> o.timing().queuedNanos());
    double[] first = ratios(e -> e.firstToken(), o -> o.timing().firstTokenNanos());
    assertThat(queued.length).as("waited for a second or more").isGreaterThan(REQUESTS / 4);
    assertThat(quantile(queued, 0.5)).as("median of expected / actual wait").isBetween(0.75, 1.35);
    assertThat(quantile(first, 0.5)).as("of the first token").isBetween(0.75, 1.35);
  }

  private double[] ratios(
      java.util.function.Function<LatencyEstimate, Duration> expected,
      java.util.function.ToLongFunction<SequenceOutcome> actual) {
    return expectations.stream()
        .filter(e -> e.estimate != null && e.outcome != null)
        .filter(e -> e.outcome.timing().queuedNanos() >= 1_000_000_000L)
        .mapToDouble(
            e -> (double) expected.apply(e.estimate).toNanos() / actual.applyAsLong(e.outcome))
        .sorted()
        .toArray();
  }

  private static double quantile(double[] sorted, double share) {
    return sorted[(int) (share * (sorted.length - 1))];
  }

  private void run() {
    run(0, GAP, SchedulingPolicies.firstComeFirstServed(Integer.MAX_VALUE));
  }

  /** Runs the requests on an executor that makes so many passes over a canvas, or none. */
  private void run(int canvasPasses, long gap, SchedulingPolicy order) {
    long[] now = {0};
    Random random = new Random(9);
    int[] lengths =
        IntStream.range(0, REQUESTS)
            .map(i -> 1 + (int) Math.min(MAX_NEW - 1, -150 * Math.log(1 - random.nextDouble())))
            .toArray();
    CostModel costs =
        new CostModel(
            CostModel.ModelShape.named("llama-13b").orElseThrow(),
            CostModel.GpuProfile.named("h200").orElseThrow());
    ExecutorProfile profile =
        ExecutorProfile.builder()
            .kvBlocks(800, 16, 16 * 819_200L)
            .maxContextTokens(2048)
            .maxTokensPerStep(2048)
            .maxSequencesPerStep(256)
            .vocabularySize(SimulatedExecutor.VOCABULARY_SIZE)
            .recoveryCosts(costs.recoveryCosts(16))
            .growth(canvasPasses > 0 ? KvGrowth.FIXED_CANVAS : KvGrowth.PER_BLOCK)
            .canvasPasses(canvasPasses)
            .build();
    SimulatedExecutor executor =
        new SimulatedExecutor(profile, costs, () -> now[0], i -> lengths[i]);
    EngineLoop loop = new EngineLoop(parts(executor, order), () -> {});
    int arrived = 0;
    while (arrived < REQUESTS || !loop.idle()) {
      while (arrived < REQUESTS && arrived * gap <= now[0]) {
        int hint = order.name().equals("fcfs") ? 0 : lengths[arrived];
        loop.submit(loop.nextSequenceId(), spec(arrived, arrived * gap, canvasPasses > 0, hint));
        arrived++;
      }
      executor.completeDue();
      while (loop.step(now[0]) > 0) {}
      long arrival = arrived < REQUESTS ? arrived * gap : Long.MAX_VALUE;
      long next = Math.min(arrival, executor.dueNanos());
      now[0] = next == Long.MAX_VALUE ? now[0] : Math.max(now[0], next);
    }
  }

  private static EngineParts parts(SimulatedExecutor executor, SchedulingPolicy order) {
    return new EngineParts(
        executor,
        new HintedPredictor(new EmpiricalLengthPredictor()),
        new OnDemandPlanner(),
        order,
        TenantWeights.EQUAL,
        Recovery.preempting(Recovery.Victim.NEWEST),
        EngineParts.Prefixes.NONE,
        new EngineParts.Events(List.of(), Runnable::run, 1024),
        new EngineParts.Limits(2048, 256, Long.MAX_VALUE / 2, Long.MAX_VALUE));
  }

  private SequenceSpec spec(int index, long arrival, boolean masked, int hint) {
    int[] prompt = new int[60 + index % 200];
    prompt[prompt.length - 1] = index;
    Expected expected = new Expected(hint);
    expectations.add(expected);
    return new SequenceSpec(
        Integer.toString(index),
        prompt,
        new SequenceSpec.Stops(new int[] {SimulatedExecutor.STOP_TOKEN}, 0),
        SamplingParameters.GREEDY,
        SequenceSpec.Standing.NONE,
        SequenceSpec.Times.of(arrival),
        new LengthQuery(prompt.length, null, null, hint, MAX_NEW),
        new SequenceSink() {
          @Override
          public @Nullable RuntimeException onQueued(@Nullable LatencyEstimate estimate) {
            expected.estimate = estimate;
            return null;
          }

          @Override
          public void onToken(int token) {}

          @Override
          public void onEnd(SequenceOutcome outcome) {
            expected.outcome = outcome;
          }
        },
        masked ? new SimulatedExecutor.Input(index, prompt.length) : null,
        SequenceSpec.Sharing.within(""),
        SequenceSpec.Output.FREE);
  }
}
