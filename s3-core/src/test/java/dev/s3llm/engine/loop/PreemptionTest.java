package dev.s3llm.engine.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.plan.TenantWeights;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.predict.EmpiricalLengthPredictor;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.Recovery;
import dev.s3llm.scenario.StateChecks;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.testkit.HashExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Tests that a sequence preempted at any position produces the same tokens as without. */
class PreemptionTest {
  private static final int PROMPT = 5;
  private static final int OUTPUT = 27;
  private static final SamplingParameters SAMPLING = SamplingParameters.ofTemperature(1, 42);

  @Test
  void preemptedAtAnyPosition_continuesWithTheSameTokens() {
    for (boolean swap : new boolean[] {false, true}) {
      for (int blockTokens : new int[] {1, 3, 4}) {
        for (int position = PROMPT; position < PROMPT + OUTPUT; position++) {
          Run run = new Run(position, blockTokens, swap);
          run.toTheEnd();
          assertThat(run.tokens)
              .as("position %d, blocks of %d, swap %s", position, blockTokens, swap)
              .containsExactly(run.expected());
          int reserved = (position + blockTokens - 1) / blockTokens * blockTokens;
          boolean outgrown = reserved < PROMPT + OUTPUT - 1; // the last token needs no KV
          assertThat(run.preemptions).isEqualTo(outgrown ? 1 : 0);
        }
      }
    }
  }

  /** A planner that reserves up to one position, and refuses to grow there once. */
  private static final class RefusingOnce implements MemoryPlanner {
    private final int position;
    private boolean refused;

    RefusingOnce(int position) {
      this.position = position;
    }

    @Override
    public String name() {
      return "refuses once";
    }

    @Override
    public MemoryDecision admit(SequenceView candidate, MemoryView view) {
      return new MemoryDecision.Reserve(admissionBlocks(candidate, view), "test");
    }

    @Override
    public int admissionBlocks(SequenceView candidate, MemoryView view) {
      return view.blocksFor(refused ? candidate.worstCaseTokens() : position);
    }

    @Override
    public MemoryDecision grow(SequenceView sequence, MemoryView view) {
      if (!refused) {
        refused = true;
        return new MemoryDecision.Defer(Integer.MAX_VALUE, "test");
      }
      return new MemoryDecision.Reserve(view.blocksFor(sequence.worstCaseTokens()), "test");
    }
  }

  private static final class Run implements SequenceSink {
    final List<Integer> tokens = new ArrayList<>();
    private final int[] prompt = IntStream.range(0, PROMPT).map(i -> 3 * i + 1).toArray();
    private final HashExecutor executor;
    private final EngineLoop loop;
    int preemptions;

    Run(int position, int blockTokens, boolean swap) {
      executor =
          new HashExecutor(
              ExecutorProfile.builder()
                  .kvBlocks(64, blockTokens, 64)
                  .hostBlocks(swap ? 64 : 0)
                  .maxContextTokens(100)
                  .maxTokensPerStep(8)
                  .maxSequencesPerStep(4)
                  .vocabularySize(50)
                  .recoveryCosts(new RecoveryCosts(swap ? 0 : 1, 1))
                  .build());
      loop =
          new EngineLoop(
              new EngineParts(
                  executor,
                  new EmpiricalLengthPredictor(),
                  new RefusingOnce(position),
                  SchedulingPolicies.firstComeFirstServed(),
                  TenantWeights.EQUAL,
                  Recovery.preempting(Recovery.Victim.OUTGROWN),
                  EngineParts.Prefixes.NONE,
                  new EngineParts.Events(List.of(this::onEvent), Runnable::run, 1_000),
                  new EngineParts.Limits(8, 4, 1, Long.MAX_VALUE)),
              () -> {});
      loop.submit(
          loop.nextSequenceId(),
          new SequenceSpec(
              "one",
              prompt,
              new int[0],
              SAMPLING,
              SequenceSpec.Standing.NONE,
              SequenceSpec.Times.of(0),
              new LengthQuery(PROMPT, null, null, 0, OUTPUT),
              this));
    }

    void toTheEnd() {
      for (int pass = 0; !loop.idle(); pass++) {
        loop.step(pass);
        StateChecks.assertValid(loop);
        if (executor.busy()) {
          executor.complete();
        }
        assertThat(pass).isLessThan(1_000);
      }
    }

    Integer[] expected() {
      int[] tokens = HashExecutor.expected(prompt, SAMPLING, OUTPUT, new int[0], 50);
      return IntStream.of(tokens).boxed().toArray(Integer[]::new);
    }

    private void onEvent(EngineEvent event) {
      preemptions += event instanceof EngineEvent.Preempted ? 1 : 0;
    }

    @Override
    public void onToken(int token) {
      tokens.add(token);
    }

    @Override
    public void onEnd(SequenceOutcome outcome) {}
  }
}
