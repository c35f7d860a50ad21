package dev.s3llm.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.memory.TestSequence;
import dev.s3llm.predict.LengthPrediction;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class QueueOrdersTest {
  @Nested
  class Fcfs extends QueueOrderContract {
    @Override
    protected QueueOrder create() {
      return new FirstComeFirstServed();
    }
  }

  @Nested
  class Dff extends QueueOrderContract {
    @Override
    protected QueueOrder create() {
      return new DecreasingFirstFit();
    }
  }

  @Nested
  class Spf extends QueueOrderContract {
    @Override
    protected QueueOrder create() {
      return new ShortestPredictedFirst();
    }
  }

  @Test
  void decreasingFirstFit_putsTheLargestFirst() {
    WaitingQueue queue = new WaitingQueue(new DecreasingFirstFit());
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
    WaitingQueue queue = new WaitingQueue(new ShortestPredictedFirst());
    TestSequence nearlyDone =
        new TestSequence(1, 1, 100).predicted(LengthPrediction.exactly(90)).generated(80);
    TestSequence fresh = new TestSequence(2, 1, 100).predicted(LengthPrediction.exactly(20));
    queue.add(fresh, 1, 0);
    queue.add(nearlyDone, 9, 0);

    assertThat(queue.inOrder()).containsExactly(nearlyDone, fresh);
  }

  @Test
  void boundBelowOne_isRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new DecreasingFirstFit(0))
        .withMessageContaining("maxOvertakes")
        .withMessageContaining("0");
  }

  private static TestSequence add(WaitingQueue queue, long id, int blocks) {
    TestSequence sequence = new TestSequence(id, 1, 100);
    queue.add(sequence, blocks, 0);
    return sequence;
  }
}
