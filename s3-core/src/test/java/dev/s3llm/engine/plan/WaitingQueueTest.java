package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SchedulingPolicies;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.testkit.TestSequence;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

final class WaitingQueueTest {
  private record Waiter(TestSequence sequence, int blocks) {}

  @Property(tries = 200)
  void randomUse_matchesASortedList(@ForAll long seed) {
    Random random = new Random(seed);
    WaitingQueue<TestSequence> queue = new WaitingQueue<>(SchedulingPolicies.decreasingFirstFit());
    List<Waiter> model = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      if (random.nextInt(3) > 0 || model.isEmpty()) {
        TestSequence sequence = new TestSequence(i, 1, 10).priority(random.nextInt(3) - 1);
        Waiter waiter = new Waiter(sequence, random.nextInt(5));
        model.add(waiter);
        queue.add(sequence, waiter.blocks, 0);
      } else {
        queue.remove(model.remove(random.nextInt(model.size())).sequence);
      }
      model.sort(
          Comparator.comparingInt((Waiter w) -> -w.sequence.priority())
              .thenComparingInt(w -> -w.blocks)
              .thenComparingLong(w -> w.sequence.sequenceId()));
      assertThat(queue.inOrder())
          .containsExactlyElementsOf(model.stream().map(w -> w.sequence).toList());
      assertThat(queue.size()).isEqualTo(model.size());
    }
  }

  /** Under any order, an estimate counts each sequence that would be served first, and no other. */
  @Property(tries = 200)
  void tokensBefore_areThoseOfTheSequencesServedFirst(@ForAll long seed) {
    Random random = new Random(seed);
    List<SchedulingPolicy> orders =
        List.of(
            SchedulingPolicies.firstComeFirstServed(3),
            SchedulingPolicies.decreasingFirstFit(2),
            SchedulingPolicies.shortestRemainingFirst(0.5, 1, 4));
    WaitingQueue<TestSequence> queue = new WaitingQueue<>(orders.get(random.nextInt(3)));
    for (int i = 0; i < 40; i++) {
      if (random.nextInt(4) > 0 || queue.isEmpty()) {
        queue.add(waiter(i, random), 1 + random.nextInt(9), 0);
      } else {
        queue.removeAdmitted(queue.inOrder().get(random.nextInt(queue.size()))); // ages others
      }
    }
    TestSequence last = waiter(40, random);
    queue.add(last, 1 + random.nextInt(9), 0);
    double before = queue.expectedTokensBefore(last);
    double servedFirst = 0;
    for (TestSequence next = queue.next(); next != last; next = queue.next()) {
      servedFirst += queue.expectedTokens(next);
      queue.remove(next);
    }
    assertThat(before).isCloseTo(servedFirst, within(1e-6));
  }

  /** What joins ahead of a sequence lengthens its wait, what joins behind it does not. */
  @Property(tries = 200)
  void tokensBefore_growWithWhatIsAhead(@ForAll long seed) {
    Random random = new Random(seed);
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.shortestPredictedFirst());
    TestSequence observed = waiter(0, random);
    queue.add(observed, 1, 0);
    double before = queue.expectedTokensBefore(observed);
    for (int i = 1; i < 30; i++) {
      TestSequence other = waiter(i, random);
      queue.add(other, 1, 0);
      double after = queue.expectedTokensBefore(observed);
      boolean ahead = queue.inOrder().indexOf(other) < queue.inOrder().indexOf(observed);
      assertThat(after - before).isCloseTo(ahead ? queue.expectedTokens(other) : 0, within(1e-6));
      assertThat(after).isNotNegative();
      before = after;
    }
  }

  @Test
  void turn_isAsManyAdmissionsAsSequencesWait() {
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.firstComeFirstServed());
    for (int i = 0; i < 1_000; i++) {
      queue.add(new TestSequence(i, 1, 10), 1, 0);
    }
    for (int i = 0; i < 1_000; i++) { // each is replaced
      queue.removeAdmitted(queue.waiting(i));
      queue.add(new TestSequence(1_000 + i, 1, 10), 1, 0);
    }
    assertThat(queue.turns()).isCloseTo(1, within(1e-9));
    for (int i = 1_001; i < 2_000; i++) {
      queue.remove(queue.waiting(i)); // cancelled
    }
    assertThat(queue.turns()).isCloseTo(1, within(1e-9));
    queue.removeAdmitted(queue.waiting(1_000)); // the only one
    assertThat(queue.turns()).isCloseTo(2, within(1e-9));
  }

  /** Under ageing by turns, equals keep their order, and only near arrivals overtake. */
  @Property(tries = 200)
  void requestsOvertaken_areThoseOfFewTurnsBefore(@ForAll long seed) {
    Random random = new Random(seed);
    double ageing = 0.2 + random.nextDouble();
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.shortestRemainingFirst(ageing, 1, 1_000));
    Map<Integer, Long> lastOfLength = new HashMap<>();
    for (int i = 0; i < 400; i++) {
      if (random.nextInt(400) > i || queue.isEmpty()) { // more arrivals, then more admissions
        int tokens = 1 + random.nextInt(20) * random.nextInt(20);
        queue.add(
            new TestSequence(i, 1, 400)
                .predicted(LengthPrediction.exactly(tokens))
                .turns(queue.turns()),
            1,
            0);
        continue;
      }
      TestSequence admitted = first(queue);
      for (TestSequence other : queue.inOrder()) {
        double work = other.expectedRemainingTokens() + 0.1; // of the prompt
        assertThat(admitted.queueTurns() - other.queueTurns())
            .isLessThanOrEqualTo(Math.sqrt(work) / ageing + 1e-5);
      }
      Long equal =
          lastOfLength.put((int) admitted.expectedRemainingTokens(), admitted.sequenceId());
      assertThat(equal == null || equal < admitted.sequenceId()).isTrue();
      queue.removeAdmitted(admitted);
    }
  }

  private static TestSequence first(WaitingQueue<TestSequence> queue) {
    TestSequence next = queue.next();
    if (next == null) {
      throw new AssertionError("no sequence waits");
    }
    return next;
  }

  private static TestSequence waiter(long id, Random random) {
    int tokens = 1 + random.nextInt(50);
    return new TestSequence(id, 1, 50)
        .predicted(LengthPrediction.exactly(tokens))
        .priority(random.nextInt(2));
  }

  @Test
  void lowestPriority_goesLast() {
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.firstComeFirstServed());
    TestSequence lowest = new TestSequence(1, 1, 1).priority(Integer.MIN_VALUE);
    TestSequence normal = new TestSequence(2, 1, 1);
    queue.add(lowest, 1, 0);
    queue.add(normal, 1, 0);

    assertThat(queue.inOrder()).containsExactly(normal, lowest);
  }

  @Test
  void smallRequestAmongLargeOnes_isServedWithinItsBound() {
    assertServedWithin(SchedulingPolicies.decreasingFirstFit(10), 1, 5);
  }

  @Test
  void longRequestAmongShortOnes_isServedWithinItsBound() {
    assertServedWithin(SchedulingPolicies.shortestPredictedFirst(10), 500, 2);
  }

  @Test
  void age_survivesLeavingAndComingBack() {
    WaitingQueue<TestSequence> queue = new WaitingQueue<>(SchedulingPolicies.decreasingFirstFit(2));
    TestSequence small = new TestSequence(0, 1, 10);
    TestSequence large = new TestSequence(1, 1, 10);
    queue.add(small, 1, 0);
    queue.add(large, 9, 0);
    queue.removeAdmitted(large);
    long age = queue.removeAdmitted(small);
    queue.add(large, 9, 0);
    queue.add(small, 1, age);

    assertThat(age).isEqualTo(1);
    assertThat(queue.next()).isSameAs(large);
    queue.removeAdmitted(large);
    queue.add(large, 9, 0);
    assertThat(queue.next()).isSameAs(small);
  }

  @Property(tries = 200)
  void sequence_isAsOldAsLaterArrivalsWereAdmittedBeforeIt(@ForAll long seed) {
    Random random = new Random(seed);
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.shortestPredictedFirst(1 + random.nextInt(6)));
    Map<TestSequence, Long> ages = new HashMap<>();
    List<TestSequence> preempted = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      int action = random.nextInt(5);
      if (action <= 1 || queue.isEmpty()) {
        TestSequence sequence = new TestSequence(i, 1, 1 + random.nextInt(50));
        queue.add(sequence.priority(random.nextInt(2)), 1, 0);
        ages.put(sequence, 0L);
      } else if (action == 2 && !preempted.isEmpty()) {
        TestSequence back = preempted.remove(random.nextInt(preempted.size()));
        queue.add(back, 1, ages.get(back));
      } else if (action == 3) {
        TestSequence cancelled = queue.inOrder().get(random.nextInt(queue.size()));
        assertThat(queue.remove(cancelled)).isEqualTo(ages.get(cancelled));
      } else {
        TestSequence next = queue.next();
        assertThat(queue.removeAdmitted(next)).isEqualTo(ages.get(next));
        preempted.add(next);
        for (TestSequence earlier : queue.inOrder()) {
          if (earlier.sequenceId() < next.sequenceId()) {
            assertThat(ages.merge(earlier, 1L, Long::sum))
                .isLessThanOrEqualTo(queue.order().maxOvertakes(earlier));
          }
        }
      }
    }
  }

  @Test
  void admissionsOfEarlierArrivals_ageNobody() {
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.firstComeFirstServed(2));
    List<TestSequence> waiters = new ArrayList<>();
    for (int id = 0; id < 10; id++) {
      waiters.add(new TestSequence(id, 1, 10));
      queue.add(waiters.get(id), 1, 0);
    }
    for (int id = 0; id < 9; id++) {
      queue.removeAdmitted(waiters.get(id));
    }
    TestSequence urgent = new TestSequence(10, 1, 10).priority(1);
    queue.add(urgent, 1, 0);

    assertThat(queue.next()).isSameAs(urgent);
    assertThat(queue.remove(waiters.get(9))).isZero();
  }

  @Test
  void strangersAndDoubles_areRefused() {
    WaitingQueue<TestSequence> queue =
        new WaitingQueue<>(SchedulingPolicies.firstComeFirstServed());
    TestSequence one = new TestSequence(1, 1, 1);
    queue.add(one, 1, 0);

    assertThatIllegalStateException().isThrownBy(() -> queue.add(one, 1, 0));
    queue.remove(one);
    assertThatIllegalStateException().isThrownBy(() -> queue.remove(one));
  }

  private static void assertServedWithin(SchedulingPolicy order, int maxNew, int blocks) {
    WaitingQueue<TestSequence> queue = new WaitingQueue<>(order);
    TestSequence starving = new TestSequence(0, 1, maxNew);
    queue.add(starving, maxNew == 1 ? 1 : 50, 0);
    int passed = 0;
    for (long id = 1; queue.contains(starving); id++) {
      queue.add(new TestSequence(id, 1, 100), blocks, 0);
      TestSequence next = queue.next();
      queue.removeAdmitted(next);
      passed += next == starving ? 0 : 1;
      assertThat(passed).isLessThanOrEqualTo(order.maxOvertakes());
    }
    assertThat(passed).isEqualTo(order.maxOvertakes());
  }
}
