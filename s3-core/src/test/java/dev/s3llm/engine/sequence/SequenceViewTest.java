package dev.s3llm.engine.sequence;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import dev.s3llm.recover.PreemptionMode;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.testkit.TestSequence;
import org.junit.jupiter.api.Test;

/** What policies see of a sequence. */
class SequenceViewTest {
  private long now = 100;

  @Test
  void stopTokens_areForbiddenUntilTheLeastLength() {
    Sequence sequence = TestSequences.of(1, 4, 9).build();
    SequenceSpec spec = sequence.spec();
    Sequence least =
        new Sequence(
            2,
            new SequenceSpec(
                spec.requestId(),
                spec.promptTokens(),
                new SequenceSpec.Stops(new int[] {3, 7}, 2),
                spec.sampling(),
                spec.standing(),
                spec.times(),
                spec.query(),
                spec.sink(),
                null,
                spec.sharing(),
                SequenceSpec.Output.FREE));
    assertThat(sequence.forbiddenTokens()).isEmpty();
    assertThat(least.forbiddenTokens()).containsExactly(3, 7);
    least.append(1, 0);
    assertThat(least.forbiddenTokens()).containsExactly(3, 7);
    least.append(1, 0);
    assertThat(least.forbiddenTokens()).isEmpty();
  }

  @Test
  void requestTerms_areShown() {
    SequenceView view = sequence(new SequenceSpec.Times(100, 900, Long.MAX_VALUE, 50));

    assertThat(view.deadlineNanos()).isEqualTo(900);
    assertThat(view.ttftTargetNanos()).isEqualTo(50);
    assertThat(view.tenant()).isEqualTo("a");
    assertThat(view.priority()).isEqualTo(3);
    assertThat(view.promptTokens()).isEqualTo(4);
  }

  @Test
  void missingTerms_areNever() {
    assertThat(sequence(SequenceSpec.Times.of(100)).deadlineNanos()).isEqualTo(Long.MAX_VALUE);
    assertThat(sequence(SequenceSpec.Times.of(100)).ttftTargetNanos()).isEqualTo(Long.MAX_VALUE);
    SequenceView other = new TestSequence(1, 1, 1);
    assertThat(other.deadlineNanos()).isEqualTo(Long.MAX_VALUE);
    assertThat(other.ttftTargetNanos()).isEqualTo(Long.MAX_VALUE);
    assertThat(other.waitedNanos()).isZero();
  }

  @Test
  void waits_addUp_andStopWhileItRuns() {
    Sequence sequence = sequence(SequenceSpec.Times.of(100));
    now = 130;
    assertThat(sequence.waitedNanos()).isEqualTo(30); // from its arrival on
    sequence.queued(2.5);
    now = 150;
    sequence.admitted(now, 10);
    now = 500;
    assertThat(sequence.waitedNanos()).isEqualTo(50);

    sequence.history().preempted(now, PreemptionMode.RECOMPUTE, 1, "r2", 0, "memory");
    sequence.queued(9);
    assertThat(sequence.queueTurns()).as("of the first time").isEqualTo(2.5);
    now = 520;
    assertThat(sequence.waitedNanos()).isEqualTo(70);
    sequence.admitted(now, 10);
    now = 600;
    assertThat(sequence.waitedNanos()).isEqualTo(70);
  }

  @Test
  void expectedRemaining_isConditionedOnTheTokensSoFar() {
    TestSequence sequence =
        new TestSequence(1, 1, 100).predicted(LengthPrediction.uniform(99)).generated(49);

    assertThat(sequence.expectedRemainingTokens()).isEqualTo(25.5); // the mean of 50 to 99 is 74.5
    assertThat(sequence.generated(0).expectedRemainingTokens()).isEqualTo(50);
  }

  private Sequence sequence(SequenceSpec.Times times) {
    SequenceSink ignoring =
        new SequenceSink() {
          @Override
          public void onToken(int token) {}

          @Override
          public void onEnd(SequenceOutcome outcome) {}
        };
    return new Sequence(
        1,
        new SequenceSpec(
            "r1",
            new int[4],
            new int[0],
            SamplingParameters.GREEDY,
            new SequenceSpec.Standing("a", 3),
            times,
            new LengthQuery(4, null, null, 0, 100),
            ignoring),
        () -> now);
  }
}
