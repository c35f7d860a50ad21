package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.testkit.SchedulingPolicyContract;
import dev.s3llm.testkit.TestSequence;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class SchedulingPoliciesTest {
  @Nested
  class Fcfs extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.firstComeFirstServed();
    }
  }

  @Nested
  class Dff extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.decreasingFirstFit();
    }
  }

  @Nested
  class Spf extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.shortestPredictedFirst();
    }
  }

  @Nested
  class Srpt extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.shortestRemainingFirst(2, 1, 1000);
    }
  }

  @Nested
  class FcfsSkip extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.firstComeFirstServedSkipping();
    }
  }

  @Nested
  class Work extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.leastWorkFirst();
    }
  }

  @Nested
  class Tail extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.leastTailFirst();
    }
  }

  @Nested
  class Volume extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.smallestVolumeFirst();
    }
  }

  @Nested
  class Edf extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.earliestDeadlineFirst();
    }
  }

  @Nested
  class Slack extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.leastSlackFirst();
    }
  }

  @Nested
  class Attained extends SchedulingPolicyContract {
    @Override
    protected SchedulingPolicy create() {
      return SchedulingPolicies.leastAttainedServiceFirst();
    }
  }

  @Test
  void fcfsSkip_letsSmallerOnesPass_inOrderOfArrival() {
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.firstComeFirstServedSkipping(2));
    TestSequence large = add(queue, 1, 50);
    TestSequence second = add(queue, 2, 1);
    TestSequence third = add(queue, 3, 9);

    assertThat(queue.inOrder()).containsExactly(large, second, third);
    assertThat(queue.order().skipsUnfit()).isTrue();
    assertThat(queue.afterUnfit(large, 1)).isSameAs(second);
    queue.removeAdmitted(second);
    queue.removeAdmitted(third);
    assertThat(queue.overtakes().firstOverdue()).isEqualTo(large.sequenceId());
  }

  @Test
  void leastWork_weighsThePrompt() {
    TestSequence longPrompt =
        new TestSequence(1, 1_000, 100).predicted(LengthPrediction.exactly(10));
    TestSequence longAnswer = new TestSequence(2, 10, 100).predicted(LengthPrediction.exactly(100));

    assertThat(order(SchedulingPolicies.leastWorkFirst(9, 0.1), longPrompt, longAnswer))
        .containsExactly(longAnswer, longPrompt); // 101 and 110
    assertThat(order(SchedulingPolicies.leastWorkFirst(9, 0.05), longPrompt, longAnswer))
        .containsExactly(longPrompt, longAnswer);
  }

  @Test
  void leastWork_countsWhatMustBeComputedAgain() {
    TestSequence recomputed =
        new TestSequence(1, 500, 100).predicted(LengthPrediction.exactly(90)).generated(80);
    TestSequence swapped =
        new TestSequence(2, 500, 100)
            .predicted(LengthPrediction.exactly(90))
            .generated(80)
            .swapped(579);

    assertThat(order(SchedulingPolicies.leastWorkFirst(), recomputed, swapped))
        .containsExactly(swapped, recomputed);
  }

  @Test
  void leastTail_prefersTheMoreCertainOfEqualMeans() {
    TestSequence uncertain = new TestSequence(1, 1, 199).predicted(LengthPrediction.uniform(199));
    TestSequence certain = new TestSequence(2, 1, 199).predicted(LengthPrediction.exactly(100));

    assertThat(order(SchedulingPolicies.leastTailFirst(9, 0.5), uncertain, certain))
        .containsExactly(certain, uncertain);
    assertThat(order(SchedulingPolicies.leastTailFirst(9, 0), uncertain, certain))
        .containsExactly(uncertain, certain); // equal means: by arrival
  }

  @Test
  void smallestVolume_prefersTheSmallerContext() {
    TestSequence large = new TestSequence(1, 900, 100).predicted(LengthPrediction.exactly(10));
    TestSequence small = new TestSequence(2, 9, 100).predicted(LengthPrediction.exactly(50));

    assertThat(order(SchedulingPolicies.smallestVolumeFirst(), large, small))
        .containsExactly(small, large);
    assertThat(SchedulingPolicies.smallestVolumeFirst().rank(large, 1)).isEqualTo(10 * 905);
  }

  @Test
  void deadlines_decideEdfAndSlackDifferently() {
    TestSequence none = new TestSequence(1, 1, 1_000);
    TestSequence soonButShort =
        new TestSequence(2, 1, 1_000)
            .predicted(LengthPrediction.exactly(1))
            .deadline(2_000_000_000L);
    TestSequence laterButLong =
        new TestSequence(3, 1, 1_000)
            .predicted(LengthPrediction.exactly(100))
            .deadline(3_000_000_000L);

    assertThat(order(SchedulingPolicies.earliestDeadlineFirst(), none, laterButLong, soonButShort))
        .containsExactly(soonButShort, laterButLong, none);
    assertThat(order(SchedulingPolicies.leastSlackFirst(), none, soonButShort, laterButLong))
        .containsExactly(laterButLong, soonButShort, none);
  }

  @Test
  void leastAttained_putsThePreemptedBehindTheNew() {
    TestSequence preempted = new TestSequence(1, 1, 100).generated(5);
    TestSequence preemptedEarly = new TestSequence(2, 1, 100).generated(2);
    TestSequence fresh = new TestSequence(3, 1, 100);

    assertThat(
            order(SchedulingPolicies.leastAttainedServiceFirst(), preempted, preemptedEarly, fresh))
        .containsExactly(fresh, preemptedEarly, preempted);
  }

  @Test
  void badWeights_areNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SchedulingPolicies.leastWorkFirst(9, Double.NaN))
        .withMessageContaining("outputPerPromptToken must be 0 or more and finite, but is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SchedulingPolicies.leastTailFirst(9, -1))
        .withMessageContaining("tailWeight must be 0 or more and finite, but is -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SchedulingPolicies.leastSlackFirst(9, Duration.ZERO))
        .withMessageContaining("timePerOutputToken must be positive, but is PT0S");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SchedulingPolicies.earliestDeadlineFirst(0))
        .withMessageContaining("maxOvertakes");
  }

  private static List<TestSequence> order(SchedulingPolicy policy, TestSequence... sequences) {
    WaitingQueue<TestSequence> queue = new WaitingQueue<>(policy);
    for (TestSequence sequence : sequences) {
      queue.add(sequence, 1, 0);
    }
    return queue.inOrder();
  }

  @Test
  void decreasingFirstFit_putsTheLargestFirst() {
    WaitingQueue<TestSequence> queue = new WaitingQueue<>(SchedulingPolicies.decreasingFirstFit());
    TestSequence small = add(queue, 1, 2);
    TestSequence large = add(queue, 2, 9);
    TestSequence middle = add(queue, 3, 5);

    assertThat(queue.inOrder()).containsExactly(large, middle, small);
    assertThat(queue.afterUnfit(large, 4)).isSameAs(small);
    assertThat(queue.afterUnfit(large, 5)).isSameAs(middle);
    assertThat(queue.afterUnfit(large, 1)).isNull();
  }

  @Test
  void shortestRemaining_comparesRootsThatFallWithEachTurn() {
    TestSequence old = new TestSequence(1, 1, 500).predicted(LengthPrediction.exactly(400));
    TestSequence brief = new TestSequence(2, 1, 500).predicted(LengthPrediction.exactly(256));
    SchedulingPolicy policy = SchedulingPolicies.shortestRemainingFirst(0.5);

    assertThat(order(policy, old.turns(10), brief.turns(17.9))).containsExactly(brief, old);
    assertThat(order(policy, old, brief.turns(18.1))).containsExactly(old, brief);
    assertThat(order(SchedulingPolicies.shortestRemainingFirst(0), old, brief.turns(1e9)))
        .containsExactly(brief, old);
    assertThat(SchedulingPolicies.shortestRemainingFirst().rank(brief.turns(1e12), 1))
        .isLessThan(Long.MAX_VALUE);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SchedulingPolicies.shortestRemainingFirst(Double.NaN))
        .withMessageContaining("ageingPerTurn must be 0 or more and finite, but is NaN");
  }

  @Test
  void shortestPredictedFirst_countsWhatRemains() {
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.shortestPredictedFirst());
    TestSequence nearlyDone =
        new TestSequence(1, 1, 100).predicted(LengthPrediction.exactly(90)).generated(80);
    TestSequence fresh = new TestSequence(2, 1, 100).predicted(LengthPrediction.exactly(20));
    queue.add(fresh, 1, 0);
    queue.add(nearlyDone, 9, 0);

    assertThat(queue.inOrder()).containsExactly(nearlyDone, fresh);
  }

  @Test
  void shortestPredictedFirst_countsAKnownCanvasWhole() {
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.shortestPredictedFirst());
    TestSequence again =
        new TestSequence(1, 5, 100).predicted(LengthPrediction.exactly(9)).canvas(5 + 64, 4);
    TestSequence fresh =
        new TestSequence(2, 5, 100).predicted(LengthPrediction.exactly(40)).canvas(5, 4);
    queue.add(again, 1, 0);
    queue.add(fresh, 9, 0);

    assertThat(queue.inOrder()).containsExactly(fresh, again);
  }

  @Test
  void shortestPredictedFirst_letsMorePassALongerOne() {
    SchedulingPolicy order = SchedulingPolicies.shortestPredictedFirst(100, 0.5);

    assertThat(order.maxOvertakes(expecting(1))).isEqualTo(1);
    assertThat(order.maxOvertakes(expecting(50))).isEqualTo(25);
    assertThat(order.maxOvertakes(expecting(1000))).isEqualTo(100);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SchedulingPolicies.shortestPredictedFirst(100, 0))
        .withMessageContaining("overtakesPerToken");
  }

  @Test
  void shortRequest_goesFirstWhenItsOwnBoundIsReached() {
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.shortestPredictedFirst(100, 0.5));
    TestSequence longer = expecting(50);
    queue.add(longer, 1, 0);
    for (long id = 1; id <= 25; id++) {
      TestSequence shorter =
          new TestSequence(id, 1, 1000).predicted(LengthPrediction.exactly(10 + (int) id % 3));
      queue.add(shorter, 1, 0);
      assertThat(queue.next()).isSameAs(shorter);
      queue.removeAdmitted(shorter);
    }
    queue.add(new TestSequence(99, 1, 1000).predicted(LengthPrediction.exactly(1)), 1, 0);

    assertThat(queue.next()).isSameAs(longer);
  }

  private static TestSequence expecting(int tokens) {
    return new TestSequence(0, 1, 2000).predicted(LengthPrediction.exactly(tokens));
  }

  @Test
  void boundBelowOne_isRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SchedulingPolicies.decreasingFirstFit(0))
        .withMessageContaining("maxOvertakes")
        .withMessageContaining("0");
  }

  private static TestSequence add(WaitingQueue<TestSequence> queue, long id, int blocks) {
    TestSequence sequence = new TestSequence(id, 1, 100);
    queue.add(sequence, blocks, 0);
    return sequence;
  }
}
