package dev.s3llm.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.Recovery;
import dev.s3llm.scenario.StateChecks;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.testkit.HashExecutor;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Tests with room for 1,000 tokens, where five equal requests always wait, and one different one.
 */
class StarvationTest {
  private static final int BOUND = 30;
  private static final String ODD = "the odd one";

  private long arrivals;
  private long arrivalsBeforeOdd;
  private int waitingOthers;
  private int overtakes;
  private boolean oddStarted;
  private boolean oddWaits;

  @Test
  void shortRequestAmongLongOnes_startsUnderDecreasingFirstFit() {
    assertStarts(SchedulingPolicies.decreasingFirstFit(BOUND), 20, 200);
  }

  @Test
  void withoutItsBound_decreasingFirstFitWouldStarveIt() {
    runFor(SchedulingPolicies.decreasingFirstFit(Integer.MAX_VALUE), 20, 200);
    assertThat(oddStarted).isFalse();
    assertThat(overtakes).isGreaterThan(10 * BOUND);
  }

  @Test
  void longRequestAmongShortOnes_startsUnderShortestPredictedFirst() {
    assertStarts(SchedulingPolicies.shortestPredictedFirst(BOUND), 1_000, 20);
  }

  private void assertStarts(SchedulingPolicy order, int oddTokens, int otherTokens) {
    runFor(order, oddTokens, otherTokens);
    assertThat(oddStarted).isTrue();
    assertThat(overtakes).isBetween(1, BOUND);
  }

  private void runFor(SchedulingPolicy order, int oddTokens, int otherTokens) {
    HashExecutor executor =
        new HashExecutor(
            ExecutorProfile.builder()
                .kvBlocks(100, 10, 1)
                .maxContextTokens(1_000)
                .maxTokensPerStep(1_000)
                .maxSequencesPerStep(100)
                .vocabularySize(50)
                .build());
    EngineLoop loop = new EngineLoop(parts(executor, order), () -> {});
    long now = 0;
    for (int pass = 0; pass < 8_000 && !oddStarted; pass++) {
      for (; waitingOthers < 5; waitingOthers++) {
        submit(loop, String.valueOf(arrivals++), otherTokens);
      }
      if (pass == 10) {
        arrivalsBeforeOdd = arrivals;
        submit(loop, ODD, oddTokens);
      }
      loop.step(now++);
      StateChecks.assertValid(loop);
      if (executor.busy()) {
        executor.complete();
      }
    }
  }

  private EngineParts parts(HashExecutor executor, SchedulingPolicy order) {
    return new EngineParts(
        executor,
        new EmpiricalLengthPredictor(),
        new WorstCasePlanner(),
        order,
        TenantWeights.EQUAL,
        Recovery.preempting(Recovery.Victim.NEWEST),
        EngineParts.Prefixes.NONE,
        new EngineParts.Events(List.of(this::onEvent), Runnable::run, 1_000),
        new EngineParts.Limits(1_000, 100, 1, Long.MAX_VALUE));
  }

  private void onEvent(EngineEvent event) {
    if (event instanceof EngineEvent.Queued queued) {
      oddWaits |= queued.requestId().equals(ODD);
    } else if (event instanceof EngineEvent.Admitted admitted) {
      if (admitted.requestId().equals(ODD)) {
        oddStarted = true;
      } else {
        waitingOthers--;
        boolean later = Long.parseLong(admitted.requestId()) >= arrivalsBeforeOdd;
        overtakes += oddWaits && !oddStarted && later ? 1 : 0;
      }
    }
  }

  /** Half of the tokens are the prompt, so that a request ends after the other half. */
  private static void submit(EngineLoop loop, String id, int tokens) {
    int half = tokens / 2;
    loop.submit(
        loop.nextSequenceId(),
        new SequenceSpec(
            id,
            new int[half],
            new int[0],
            SamplingParameters.GREEDY,
            SequenceSpec.Standing.NONE,
            SequenceSpec.Times.of(0),
            new LengthQuery(half, null, null, 0, half),
            new Ignoring()));
  }

  private static final class Ignoring implements SequenceSink {
    @Override
    public void onToken(int token) {}

    @Override
    public void onEnd(SequenceOutcome outcome) {}
  }
}
