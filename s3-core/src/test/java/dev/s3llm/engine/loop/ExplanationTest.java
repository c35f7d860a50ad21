package dev.s3llm.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.sequence.RequestHistory;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.Explanation;
import dev.s3llm.observe.Explanation.Preemption;
import dev.s3llm.observe.Explanation.Wait;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.PreemptionMode;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.testkit.HashExecutor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Tests of explanations: waits, reservations, preemptions and their costs. */
class ExplanationTest {
  private static final int PROMPT = 4;
  private static final int OUTPUT = 20;
  private static final int BLOCK = 4;
  private static final int RECOMPUTE_NANOS = 7;

  /** The time between two passes, in nanoseconds. */
  private static final long PASS = 1_000;

  @Test
  void whoFindsRoomAtOnce_hasWaitedForNothing() {
    Run run = new Run(new WorstCasePlanner(), 16);
    run.submit("a");
    run.toTheEnd();
    Explanation explanation = run.outcomes.get("a").explanation();
    assertThat(explanation.waits()).isEmpty();
    assertThat(explanation.preemptions()).isEmpty();
    assertThat(explanation.reservedTokens()).isEqualTo(PROMPT + OUTPUT);
    assertThat(explanation.mostReservedTokens()).isEqualTo(PROMPT + OUTPUT);
    assertThat(explanation.usedTokens()).isEqualTo(PROMPT + OUTPUT);
    assertThat(explanation.predictedTokens()).isPositive();
  }

  @Test
  void whoWaits_learnsForHowLongAndWhy() {
    Run run = new Run(new WorstCasePlanner(), 8); // room for one
    run.submit("a");
    run.submit("b");
    run.toTheEnd();
    SequenceOutcome outcome = run.outcomes.get("b");
    List<Wait> waits = outcome.explanation().waits();
    assertThat(waits).hasSize(1);
    assertThat(waits.get(0).waited()).isEqualTo(Duration.ofNanos(outcome.timing().queuedNanos()));
    assertThat(waits.get(0).reason()).contains("free KV blocks");
    assertThat(outcome.explanation().summary())
        .contains("waited")
        .contains("24 tokens reserved at first");
  }

  @Test
  void whoIsPreempted_learnsByWhomAndTheCost() {
    Run run = new Run(new OnDemandPlanner(), 8);
    run.submit("a");
    run.submit("b");
    run.toTheEnd();
    Explanation explanation = run.outcomes.get("b").explanation();
    assertThat(run.outcomes.get("a").explanation().preemptions()).isEmpty();
    assertThat(explanation.preemptions()).isNotEmpty();
    Preemption first = explanation.preemptions().get(0);
    assertThat(first.causedBy()).isIn("a", "b");
    assertThat(first.mode()).isEqualTo(PreemptionMode.RECOMPUTE);
    assertThat(first.cost()).isEqualTo(Duration.ofNanos((long) RECOMPUTE_NANOS * first.kvTokens()));
    assertThat(explanation.waits()).hasSameSizeAs(explanation.preemptions());
    assertThat(explanation.usedTokens()).isEqualTo(PROMPT + OUTPUT);
    assertThat(explanation.mostReservedTokens()).isLessThanOrEqualTo(PROMPT + OUTPUT + BLOCK);
    assertThat(explanation.summary()).contains("lost the KV of").contains("recompute");
  }

  @Test
  void whoIsCancelledWhileWaiting_hasItsWaitListed() {
    Run run = new Run(new WorstCasePlanner(), 8);
    run.submit("a");
    long waiting = run.submit("b");
    for (int i = 0; i < 5; i++) {
      run.pass();
    }
    run.loop.cancel(waiting);
    run.toTheEnd();
    SequenceOutcome outcome = run.outcomes.get("b");
    assertThat(outcome.reason()).isEqualTo(FinishReason.CANCELLED);
    assertThat(outcome.explanation().waits())
        .singleElement()
        .satisfies(
            w -> assertThat(w.waited()).isEqualTo(Duration.ofNanos(outcome.timing().totalNanos())));
    assertThat(outcome.explanation().reservedTokens()).isZero();
  }

  @Test
  void lists_areBounded() {
    RequestHistory history = new RequestHistory(0);
    for (int i = 1; i <= 100; i++) {
      history.admitted(2L * i, 16);
      history.preempted(2L * i + 1, PreemptionMode.SWAP, 9, "other", 5, "full");
    }
    Explanation explanation = history.explain(true, null, 30, 0, 1_000);
    assertThat(explanation.waits()).hasSize(Explanation.MOST_LISTED);
    assertThat(explanation.preemptions()).hasSize(Explanation.MOST_LISTED);
    assertThat(explanation.unlisted()).isEqualTo(101 + 100 - 2 * Explanation.MOST_LISTED);
    assertThat(explanation.summary()).contains("and 169 more waits and preemptions");
  }

  @Test
  void flightRecorder_getsRequestsStepsAndPreemptions(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("engine.jfr");
    try (Recording recording = new Recording()) {
      for (String name : new String[] {"Request", "Step", "Preemption"}) {
        recording.enable("dev.s3llm." + name);
      }
      recording.start();
      Run run = new Run(new OnDemandPlanner(), 8);
      run.submit("a");
      run.submit("b");
      run.toTheEnd();
      recording.stop();
      recording.dump(file);
    }
    List<RecordedEvent> events = RecordingFile.readAllEvents(file);
    assertThat(named(events, "Step")).isNotEmpty();
    assertThat(named(events, "Preemption"))
        .anySatisfy(e -> assertThat(e.getString("requestId")).isEqualTo("b"));
    assertThat(named(events, "Request"))
        .anySatisfy(
            e -> {
              assertThat(e.getString("requestId")).isEqualTo("b");
              assertThat(e.getString("finishReason")).isEqualTo("LENGTH");
              assertThat(e.getInt("outputTokens")).isEqualTo(OUTPUT);
              assertThat(e.getString("explanation")).contains("lost the KV of");
              assertThat(e.getDuration("total")).isPositive();
            });
  }

  private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
    return events.stream()
        .filter(e -> e.getEventType().getName().equals("dev.s3llm." + name))
        .toList();
  }

  /** A loop that the test steps, with a pass each {@link #PASS}. */
  private static final class Run {
    final Map<String, SequenceOutcome> outcomes = new LinkedHashMap<>();
    final EngineLoop loop;
    private final HashExecutor executor;
    private long now;

    Run(MemoryPlanner planner, int blocks) {
      RecoveryCosts costs = new RecoveryCosts(1, RECOMPUTE_NANOS);
      executor =
          new HashExecutor(
              ExecutorProfile.builder()
                  .kvBlocks(blocks, BLOCK, 1)
                  .maxContextTokens(64)
                  .maxTokensPerStep(16)
                  .maxSequencesPerStep(4)
                  .vocabularySize(50)
                  .recoveryCosts(costs)
                  .build());
      loop =
          new EngineLoop(
              new EngineParts(
                  executor,
                  new EmpiricalLengthPredictor(),
                  planner,
                  SchedulingPolicies.firstComeFirstServed(),
                  TenantWeights.EQUAL,
                  Recovery.preempting(Recovery.Victim.NEWEST),
                  EngineParts.Prefixes.NONE,
                  new EngineParts.Events(List.of(), Runnable::run, 1_000),
                  new EngineParts.Limits(16, 4, 1, Long.MAX_VALUE)),
              () -> {});
    }

    long submit(String id) {
      long sequenceId = loop.nextSequenceId();
      loop.submit(
          sequenceId,
          new SequenceSpec(
              id,
              new int[] {1, 2, 3, 4},
              new int[0],
              SamplingParameters.GREEDY,
              SequenceSpec.Standing.NONE,
              SequenceSpec.Times.of(0),
              new LengthQuery(PROMPT, null, null, 0, OUTPUT),
              new SequenceSink() {
                @Override
                public void onToken(int token) {}

                @Override
                public void onEnd(SequenceOutcome outcome) {
                  outcomes.put(id, outcome);
                }
              }));
      return sequenceId;
    }

    void pass() {
      loop.step(now);
      now += PASS;
      if (executor.busy()) {
        executor.complete();
      }
    }

    void toTheEnd() {
      for (int passes = 0; !loop.idle(); passes++) {
        pass();
        assertThat(passes).isLessThan(1_000);
      }
    }
  }
}
