package dev.s3llm.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.OnDemandPlanner;
import dev.s3llm.memory.WorstCasePlanner;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineInspection;
import dev.s3llm.observe.EngineInspection.Running;
import dev.s3llm.observe.EngineInspection.Waiting;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.Recovery;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.testkit.HashExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Tests that an inspection agrees with the loop's state and does not change it. */
class InspectionTest {
  private static final int PROMPT = 4;
  private static final int OUTPUT = 20;
  private static final int BLOCK = 4;

  @Test
  void inspection_saysWhoHoldsWhatAndWhoWaitsForWhat() {
    Run run = new Run(new WorstCasePlanner(), 8); // room for one
    run.submit("a");
    run.submit("b");
    run.submit("c");
    run.passes(6);
    EngineInspection seen = run.inspect();
    assertThat(seen.blockTokens()).isEqualTo(BLOCK);
    assertThat(seen.capacityBlocks()).isEqualTo(8);
    assertThat(seen.running())
        .singleElement()
        .satisfies(
            a -> {
              assertThat(a.request().requestId()).isEqualTo("a");
              assertThat(a.request().tenant()).isEqualTo("tenant-a");
              assertThat(a.request().promptTokens()).isEqualTo(PROMPT);
              assertThat(a.request().maxNewTokens()).isEqualTo(OUTPUT);
              assertThat(a.request().outputTokens()).isEqualTo(run.tokens).isPositive();
              assertThat(a.reservedBlocks()).isEqualTo((PROMPT + OUTPUT) / BLOCK);
              assertThat(a.blocks()).hasSize(seen.heldBlocks());
              assertThat(a.request().prediction().quantile(0.9)).isPositive();
              assertThat(a.waitedNanos()).isZero();
            });
    assertThat(seen.waiting()).extracting(w -> w.request().requestId()).containsExactly("b", "c");
    assertThat(seen.waiting().get(0).reason()).contains("free KV blocks");
    assertThat(seen.waiting().get(1).reason()).contains("requests before it");
    assertThat(seen.waiting()).allSatisfy(w -> assertThat(w.waitingNanos()).isPositive());
  }

  @Test
  void blocks_areThoseOfTheLedgerInEveryPass() {
    Run run = new Run(new OnDemandPlanner(), 8);
    for (String id : List.of("a", "b", "c")) {
      run.submit(id);
    }
    List<Waiting> preempted = new ArrayList<>();
    while (!run.loop.idle()) {
      CompletableFuture<Void> compared =
          run.loop
              .inspect()
              .thenAccept(
                  seen -> { // within the pass
                    run.compare(seen);
                    seen.waiting().stream()
                        .filter(waiting -> waiting.request().preemptions() > 0)
                        .forEach(preempted::add);
                  });
      run.passes(1);
      compared.join();
    }
    assertThat(preempted).isNotEmpty();
  }

  @Test
  void looking_changesNoDecision() {
    List<List<EngineEvent>> logs = new ArrayList<>();
    for (boolean looks : new boolean[] {false, true}) {
      Run run = new Run(new OnDemandPlanner(), 8);
      for (int i = 0; i < 12; i++) {
        run.submit("r" + i);
      }
      while (!run.loop.idle()) {
        if (looks) {
          run.loop.inspect();
        }
        run.passes(1);
      }
      logs.add(run.events);
    }
    assertThat(logs.get(1)).isNotEmpty().isEqualTo(logs.get(0));
  }

  @Test
  void lists_areBounded() {
    Run run = new Run(new WorstCasePlanner(), 8);
    int waiting = EngineInspection.MOST_LISTED + 10;
    for (int i = 0; i <= waiting; i++) {
      run.submit("r" + i);
    }
    run.passes(1);
    assertThat(run.loop.snapshot().requests().waiting()).isEqualTo(waiting);
    assertThat(run.inspect().waiting()).hasSize(EngineInspection.MOST_LISTED);
  }

  @Test
  void whileTheLoopHangs_questionsShareOneAnswer() {
    Run run = new Run(new WorstCasePlanner(), 8);
    List<CompletableFuture<EngineInspection>> answers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      answers.add(run.loop.inspect());
    }
    assertThat(run.loop.step(0)).isEqualTo(1); // one command
    assertThat(answers).allMatch(CompletableFuture::isDone);
    assertThat(answers.stream().map(CompletableFuture::join).distinct()).hasSize(1);
  }

  @Test
  void whoCancelsItsAnswer_takesItFromNobody() {
    Run run = new Run(new WorstCasePlanner(), 8);
    CompletableFuture<EngineInspection> one = run.loop.inspect();
    CompletableFuture<EngineInspection> other = run.loop.inspect();
    one.cancel(true);
    run.loop.step(0);
    assertThat(other).isCompleted();
  }

  @Test
  void afterTheEnd_questionsFail() {
    Run run = new Run(new WorstCasePlanner(), 8);
    CompletableFuture<EngineInspection> before = run.loop.inspect();
    run.loop.failInspections(new IllegalStateException("over"));
    assertThat(before).isCompletedExceptionally();
    assertThat(run.loop.inspect()).isCompletedExceptionally();
    run.loop.step(0); // the queued command has no effect
  }

  /** A loop that the test steps. */
  private static final class Run implements EngineListener {
    final List<EngineEvent> events = new ArrayList<>();
    final EngineLoop loop;
    int tokens;
    private final HashExecutor executor;
    private long now;

    Run(MemoryPlanner planner, int blocks) {
      executor =
          new HashExecutor(
              ExecutorProfile.builder()
                  .kvBlocks(blocks, BLOCK, 1)
                  .maxContextTokens(64)
                  .maxTokensPerStep(16)
                  .maxSequencesPerStep(4)
                  .vocabularySize(50)
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
                  new EngineParts.Events(List.of(this), Runnable::run, 10_000),
                  new EngineParts.Limits(16, 4, 1, Long.MAX_VALUE)),
              () -> {});
    }

    @Override
    public void onEvent(EngineEvent event) {
      events.add(event);
    }

    void submit(String id) {
      loop.submit(
          loop.nextSequenceId(),
          new SequenceSpec(
              id,
              new int[] {1, 2, 3, 4},
              new int[0],
              SamplingParameters.GREEDY,
              new SequenceSpec.Standing("tenant-" + id, 0),
              SequenceSpec.Times.of(now),
              new LengthQuery(PROMPT, null, null, 0, OUTPUT),
              new SequenceSink() {
                @Override
                public void onToken(int token) {
                  tokens++;
                }

                @Override
                public void onEnd(SequenceOutcome outcome) {}
              }));
    }

    void passes(int count) {
      for (int i = 0; i < count; i++) {
        loop.step(now);
        now += 1_000;
        if (executor.busy()) {
          executor.complete();
        }
      }
    }

    EngineInspection inspect() {
      CompletableFuture<EngineInspection> answer = loop.inspect();
      passes(1);
      return answer.join();
    }

    /** Compares an inspection with the pool. */
    void compare(EngineInspection seen) {
      List<Integer> blocks = new ArrayList<>();
      for (Running running : seen.running()) {
        blocks.addAll(running.blocks());
        running
            .blocks()
            .forEach(b -> assertThat(owner(b)).isEqualTo(running.request().requestId()));
      }
      assertThat(blocks).doesNotHaveDuplicates();
      assertThat(seen.heldBlocks())
          .isEqualTo(loop.state().device.allocated())
          .isGreaterThanOrEqualTo(blocks.size());
    }

    private String owner(int block) {
      Sequence sequence = loop.state().live.get(loop.state().device.ownerOf(block));
      return sequence == null ? "none" : sequence.requestId();
    }
  }
}
