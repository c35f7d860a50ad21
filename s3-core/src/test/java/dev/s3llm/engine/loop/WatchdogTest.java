package dev.s3llm.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.monitor.Watchdog;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep.TokenConstraint;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.Recovery;
import dev.s3llm.scenario.StateChecks;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.testkit.HashExecutor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import org.junit.jupiter.api.Test;

/** Tests of a loop and a watchdog that the test steps, on one clock. */
class WatchdogTest {
  private static final ExecutorProfile PROFILE =
      ExecutorProfile.builder()
          .kvBlocks(50, 4, 64)
          .maxContextTokens(100)
          .maxTokensPerStep(8)
          .maxSequencesPerStep(4)
          .vocabularySize(50)
          .build();
  private static final long LIMIT = 8_000_000_000L;

  private final HashExecutor executor = new HashExecutor(PROFILE);
  private final List<EngineEvent> events = new ArrayList<>();
  private final List<SequenceOutcome> outcomes = new ArrayList<>();
  private final List<Failure> abandoned = new ArrayList<>();
  private final Queue<Runnable> masks = new ArrayDeque<>();
  private EngineLoop loop;
  private Watchdog watchdog;
  private long now;
  private int submitted;

  @Test
  void stepInFlight_isReportedAfterTheLimitAndNotBefore() {
    start();
    submit();
    loop.step(now);
    assertThat(executor.busy()).isTrue();

    watchFor(LIMIT);
    assertThat(watchdog.health().healthy()).isTrue();
    watchFor(watchdog.intervalNanos());
    assertThat(watchdog.health().healthy()).isFalse();
    assertThat(watchdog.health().reason()).contains("step 0 has been in flight for PT8S");
    assertThat(events).filteredOn(e -> e instanceof EngineEvent.EngineStuck).hasSize(1);
  }

  @Test
  void stepThatEndsLate_makesItHealthyAgainAndCostsNothing() {
    start();
    submit();
    loop.step(now);
    watchFor(3 * LIMIT / 2);
    assertThat(watchdog.health().healthy()).isFalse();

    toTheEnd();
    watchFor(watchdog.intervalNanos());
    assertThat(watchdog.health().healthy()).isTrue();
    assertThat(events).filteredOn(e -> e instanceof EngineEvent.EngineRecovered).hasSize(1);
    assertThat(outcomes).extracting(SequenceOutcome::reason).containsExactly(FinishReason.LENGTH);
    assertThat(abandoned).isEmpty();
  }

  @Test
  void twiceTheLimit_failsWhatIsPendingThroughTheLoopIfItStillRuns() {
    start();
    submit();
    loop.step(now);
    submit();
    loop.step(now);
    watchFor(2 * LIMIT + watchdog.intervalNanos());
    loop.step(now);

    assertThat(outcomes).hasSize(2);
    assertThat(outcomes)
        .allSatisfy(o -> assertThat(o.failure().kind()).isEqualTo(Failure.Kind.STUCK));
    assertThat(loop.state().device.reserved()).as("the step may still write").isPositive();
    executor.complete();
    loop.step(now);
    StateChecks.assertValid(loop);
    assertThat(loop.state().device.reserved()).isZero();
    watchFor(watchdog.intervalNanos());
    assertThat(watchdog.health().healthy()).isTrue();
  }

  @Test
  void loopThatMakesNoPass_isReportedAndPassedBy() {
    start();
    loop.step(now);
    submit(); // and no pass handles it
    watchFor(LIMIT + watchdog.intervalNanos());
    assertThat(watchdog.health().reason())
        .contains("there was no pass for", "thread never-started");
    watchFor(LIMIT);
    assertThat(abandoned).isEmpty();
    watchFor(watchdog.intervalNanos());
    assertThat(abandoned)
        .isNotEmpty()
        .allSatisfy(failure -> assertThat(failure.kind()).isEqualTo(Failure.Kind.STUCK));
  }

  @Test
  void requestsThatNobodyStarts_areReported() {
    start();
    loop.state().device.open(99).reserve(PROFILE.blockCount()); // a leak: no request can start
    submit();
    submit();
    loop.step(now);
    assertThat(executor.busy()).isFalse();
    watchFor(LIMIT + watchdog.intervalNanos());
    assertThat(watchdog.health().reason()).contains("requests wait and no step was launched for");
  }

  @Test
  void arrivals_doNotHideAStuckStep() {
    start();
    submit();
    for (long waited = 0;
        waited <= LIMIT + watchdog.intervalNanos();
        waited += watchdog.intervalNanos()) {
      submit();
      loop.step(now);
      watchFor(watchdog.intervalNanos());
    }
    assertThat(watchdog.health().healthy()).isFalse();
  }

  @Test
  void steadyWork_isHealthyHoweverLongItTakes() {
    start();
    for (int i = 0; i < 50; i++) {
      submit();
      loop.step(now);
      watchFor(LIMIT); // each step takes exactly the limit
      assertThat(watchdog.health().healthy()).isTrue();
      executor.complete();
    }
  }

  @Test
  void nothingToDo_isHealthy() {
    start();
    loop.step(now);
    watchFor(100 * LIMIT);
    assertThat(watchdog.health().healthy()).isTrue();
  }

  @Test
  void maskThatIsLate_isNoHang() {
    start();
    submit(new SequenceSpec.Output(new AnyToken(), 0, -1, null));
    loop.step(now);
    masks.remove().run();
    loop.step(now);
    executor.complete();
    loop.step(now); // the next mask is requested, and without it there is no step
    watchFor(5 * LIMIT);
    assertThat(watchdog.health().healthy()).isTrue();

    masks.remove().run();
    loop.step(now);
    assertThat(executor.busy()).isTrue();
    watchFor(LIMIT + watchdog.intervalNanos());
    assertThat(watchdog.health().healthy()).as("the stuck step is still detected").isFalse();
  }

  /** A constraint that allows every token. */
  private record AnyToken() implements TokenConstraint, TokenConstraint.State {
    @Override
    public TokenConstraint.State start() {
      return this;
    }

    @Override
    public int shortest() {
      return 0;
    }

    @Override
    public int longest() {
      return Integer.MAX_VALUE;
    }

    @Override
    public long[] mask(int tokensLeft) {
      return new long[] {(1L << PROFILE.vocabularySize()) - 1};
    }

    @Override
    public TokenConstraint.State after(int token) {
      return this;
    }

    @Override
    public boolean complete() {
      return false;
    }
  }

  @Test
  void clockThatJumps_accusesNobody() {
    start();
    submit();
    loop.step(now);
    watchFor(LIMIT / 2);
    now += 1_000 * LIMIT; // as if the process had been suspended
    watchdog.check(now);
    assertThat(watchdog.health().healthy()).isTrue();
    now -= 5_000 * LIMIT;
    watchdog.check(now);
    assertThat(watchdog.health().healthy()).isTrue();
    watchFor(LIMIT / 2);
    assertThat(watchdog.health().healthy()).as("the stuck step is still detected").isFalse();
  }

  private void start() {
    EngineParts parts =
        new EngineParts(
            executor,
            new EmpiricalLengthPredictor(),
            new WorstCasePlanner(),
            SchedulingPolicies.firstComeFirstServed(),
            TenantWeights.EQUAL,
            Recovery.preempting(Recovery.Victim.CHEAPEST),
            EngineParts.Prefixes.NONE,
            new EngineParts.Events(List.of(events::add), Runnable::run, 1_000),
            new EngineParts.Limits(8, 4, 1, Long.MAX_VALUE),
            masks::add);
    loop = new EngineLoop(parts, () -> {});
    EngineRunner runner =
        new EngineRunner(() -> now, task -> new Thread(task, "never-started"), cause -> {});
    watchdog = new Watchdog(loop, runner, abandoned::add, LIMIT);
    watchdog.check(now);
  }

  /** Runs the checks of some time, at the watchdog's interval. */
  private void watchFor(long nanos) {
    for (long waited = 0; waited < nanos; waited += watchdog.intervalNanos()) {
      now += watchdog.intervalNanos();
      watchdog.check(now);
    }
  }

  private void toTheEnd() {
    while (!loop.idle()) {
      if (executor.busy()) {
        executor.complete();
      }
      loop.step(now);
    }
  }

  private void submit() {
    submit(SequenceSpec.Output.FREE);
  }

  private void submit(SequenceSpec.Output output) {
    loop.submit(
        loop.nextSequenceId(),
        new SequenceSpec(
            "r" + submitted++,
            new int[] {1, 2, 3},
            SequenceSpec.Stops.NONE,
            SamplingParameters.GREEDY,
            SequenceSpec.Standing.NONE,
            SequenceSpec.Times.of(now),
            new LengthQuery(3, null, null, 0, 4),
            new SequenceSink() {
              @Override
              public void onToken(int token) {}

              @Override
              public void onEnd(SequenceOutcome outcome) {
                outcomes.add(outcome);
              }
            },
            null,
            SequenceSpec.Sharing.within(""),
            output));
  }
}
