package dev.s3llm.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.plan.WaitingQueue;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The tests that every {@link SchedulingPolicy} must pass. A subclass creates the policy under
 * test.
 */
public abstract class SchedulingPolicyContract {
  private static final int CASES = 2_000;

  /** Creates the contract. */
  protected SchedulingPolicyContract() {}

  /** Returns a new policy. */
  protected abstract SchedulingPolicy create();

  /** The name fits into a table. */
  @Test
  public void name_isShort() {
    assertThat(create().name()).isNotBlank().hasSizeLessThanOrEqualTo(40);
  }

  /** The bound of a sequence is at least 1 and at most the bound of the policy. */
  @Test
  public void overtakes_areBounded() {
    SchedulingPolicy order = create();
    for (long seed = 0; seed < CASES; seed++) {
      assertThat(order.maxOvertakes(sequence(seed, new Random(seed))))
          .as("seed %d", seed)
          .isBetween(1, order.maxOvertakes());
    }
  }

  /** Equal sequences have equal ranks, so that decisions can be repeated. */
  @Test
  public void rank_isTheSameEachTime() {
    for (long seed = 0; seed < CASES; seed++) {
      Random random = new Random(seed);
      TestSequence sequence = sequence(seed, random);
      int blocks = 1 + random.nextInt(100);
      assertThat(create().rank(sequence, blocks)).isEqualTo(create().rank(sequence, blocks));
    }
  }

  /** Sequences with ranks below {@link SchedulingPolicy#firstRankWithin} do not fit. */
  @Test
  public void skippedRanks_doNotFit() {
    SchedulingPolicy order = create();
    if (!order.skipsUnfit()) {
      return; // the engine never calls firstRankWithin then
    }
    for (long seed = 0; seed < CASES; seed++) {
      Random random = new Random(seed);
      int available = random.nextInt(100);
      int blocks = 1 + random.nextInt(100);
      long rank = order.rank(sequence(seed, random), blocks);
      if (rank < order.firstRankWithin(available)) {
        assertThat(blocks).as("seed %d", seed).isGreaterThan(available);
      }
    }
  }

  /** A waiting sequence is overtaken at most as often as its bound, however many others arrive. */
  @Test
  public void steadyArrivals_starveNobody() {
    for (long seed = 0; seed < 50; seed++) {
      Random random = new Random(seed);
      WaitingQueue<TestSequence> queue = new WaitingQueue<>(create());
      TestSequence waiter = sequence(0, random);
      queue.add(waiter, 1 + random.nextInt(100), 0);
      int bound = queue.order().maxOvertakes(waiter);
      int passed = 0;
      for (long id = 1; queue.contains(waiter); id++) {
        queue.add(sequence(id, random).priority(1), 1 + random.nextInt(100), 0);
        TestSequence next = queue.next();
        queue.removeAdmitted(next);
        passed += next == waiter ? 0 : 1;
        assertThat(passed).as("seed %d", seed).isLessThanOrEqualTo(bound);
      }
    }
  }

  private static TestSequence sequence(long id, Random random) {
    int max = 1 + random.nextInt(500);
    return new TestSequence(id, 1 + random.nextInt(100), max).generated(random.nextInt(max));
  }
}
