package dev.s3llm.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.plan.WaitingQueue;
import dev.s3llm.schedule.SchedulingPolicy;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What every {@link SchedulingPolicy} keeps. Extend it and say how to create yours. */
public abstract class SchedulingPolicyContract {
  private static final int CASES = 2_000;

  /** Creates the contract. */
  protected SchedulingPolicyContract() {}

  /** A new order. */
  protected abstract SchedulingPolicy create();

  /** A name for tables. */
  @Test
  public void name_isShort() {
    assertThat(create().name()).isNotBlank().hasSizeLessThanOrEqualTo(40);
  }

  /** A request must be able to pass, or nobody could start; and none may be passed for ever. */
  @Test
  public void overtakes_areBounded() {
    SchedulingPolicy order = create();
    for (long seed = 0; seed < CASES; seed++) {
      assertThat(order.maxOvertakes(sequence(seed, new Random(seed))))
          .as("seed %d", seed)
          .isBetween(1, order.maxOvertakes());
    }
  }

  /** The rank is a function of the sequence, so that a decision can be repeated. */
  @Test
  public void rank_isTheSameEachTime() {
    for (long seed = 0; seed < CASES; seed++) {
      Random random = new Random(seed);
      TestSequence sequence = sequence(seed, random);
      int blocks = 1 + random.nextInt(100);
      assertThat(create().rank(sequence, blocks)).isEqualTo(create().rank(sequence, blocks));
    }
  }

  /** What {@link SchedulingPolicy#firstRankWithin} leaves out does not fit. */
  @Test
  public void skippedRanks_doNotFit() {
    SchedulingPolicy order = create();
    if (!order.skipsUnfit()) {
      return; // is never asked
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

  /** However others keep coming, whoever waits goes before more than the bound have passed. */
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
