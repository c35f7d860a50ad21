package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.TestSequences;
import dev.s3llm.recover.PreemptionMode;
import org.junit.jupiter.api.Test;

class StepPlanTest {
  private final StepPlan plan = new StepPlan();
  private final Sequence one = TestSequences.of(1, 3, 9).reserved(3).build();
  private final Sequence two = TestSequences.of(2, 3, 9).reserved(4).build();

  @Test
  void grants_lowerWhatIsAvailable() {
    plan.reset(10, 20, 5);
    plan.grow(new Decision.Grow(one, 5, "more"));
    plan.admit(new Decision.Admit(two, 4, 0, "fits"));
    plan.compute(two, 3);

    assertThat(plan.availableBlocks()).isEqualTo(10 - 2 - 4);
    assertThat(plan.tokensLeft()).isEqualTo(17);
    assertThat(plan.sequencesLeft()).isEqualTo(4);
    assertThat(plan.isEmpty()).isFalse();
  }

  @Test
  void preemption_takesBackWhatThePlanHadGranted() {
    plan.reset(10, 20, 5);
    plan.grow(new Decision.Grow(one, 5, "more"));
    plan.preempt(Decision.Preempt.outgrown(one, PreemptionMode.SWAP, two, "no room"));

    assertThat(plan.availableBlocks()).isEqualTo(10 + 3);
    assertThat(plan.growths()).isEmpty();
    assertThat(plan.preempts(one)).isTrue();
    assertThat(plan.preempts(two)).isFalse();
  }

  @Test
  void firstDeferral_isTheOneThatIsTold() {
    plan.reset(1, 20, 5);
    plan.defer(new Decision.Defer(one, 3, 1, "first"));
    plan.defer(new Decision.Defer(two, 4, 1, "second"));

    assertThat(plan.deferral().reason()).isEqualTo("first");
  }

  @Test
  void reset_forgetsEverything() {
    plan.reset(10, 20, 5);
    plan.compute(one, 1);
    plan.preempt(Decision.Preempt.outgrown(two, PreemptionMode.SWAP, two, "test"));
    plan.defer(new Decision.Defer(one, 3, 1, "test"));
    plan.reset(7, 8, 2);

    assertThat(plan.isEmpty()).isTrue();
    assertThat(plan.deferral()).isNull();
    assertThat(plan.availableBlocks()).isEqualTo(7);
    assertThat(plan.work()).isEmpty();
  }

  @Test
  void largeBatches_keepEachSequencesTokens() {
    plan.reset(10, 10_000, 1_000);
    for (int i = 0; i < 100; i++) {
      plan.compute(TestSequences.of(i, 1, 1).build(), i + 1);
    }
    assertThat(plan.workTokens(0)).isEqualTo(1);
    assertThat(plan.workTokens(99)).isEqualTo(100);
  }
}
