package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.testkit.SchedulingPolicyContract;
import dev.s3llm.testkit.TestSequence;
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
