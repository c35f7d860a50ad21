package dev.s3llm.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryDecision.Defer;
import dev.s3llm.memory.MemoryDecision.Reserve;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.predict.LengthPrediction;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * The tests that a {@link MemoryPlanner} should pass, so that the engine need not correct its
 * decisions. A subclass creates the planner under test.
 */
public abstract class MemoryPlannerContract {
  private static final int CASES = 5_000;

  /** Creates the contract. */
  protected MemoryPlannerContract() {}

  /** Returns a new planner. */
  protected abstract MemoryPlanner create();

  /** The name fits into a table. */
  @Test
  public void name_isShort() {
    assertThat(create().name()).isNotBlank().hasSizeLessThanOrEqualTo(40);
  }

  /** A planner keeps within the bounds to which the engine would correct its decisions. */
  @Test
  public void admission_coversPresentSlotsAndNeverExceedsTheWorstCase() {
    for (long seed = 0; seed < CASES; seed++) {
      Case one = new Case(new Random(seed));
      MemoryPlanner planner = create();
      planner.beginPlan(one.view);
      int weight = planner.admissionBlocks(one.sequence, one.view);
      MemoryDecision decision = planner.admit(one.sequence, one.view);

      assertThat(weight).as("seed %d", seed).isBetween(one.present(), one.worst());
      if (decision instanceof Reserve reserve) {
        assertThat(reserve.reservedBlocks()).as("seed %d", seed).isEqualTo(weight);
      }
      assertGrantable(decision, one.view.availableBlocks(), seed);
    }
  }

  /** On an empty device, a sequence whose worst case fits is admitted. */
  @Test
  public void emptyDevice_admitsWhatFits() {
    for (long seed = 0; seed < CASES; seed++) {
      Case one = new Case(new Random(seed));
      int worst = one.worst();
      MemoryView empty = new MemoryView(one.view.blockTokens(), worst, worst, List.of());
      MemoryPlanner planner = create();
      planner.beginPlan(empty);

      assertThat(planner.admit(one.sequence, empty))
          .as("seed %d", seed)
          .isInstanceOf(Reserve.class);
    }
  }

  /** An enlarged reservation is larger than before, and at most the worst case. */
  @Test
  public void growth_addsBlocksWithinTheWorstCase() {
    for (long seed = 0; seed < CASES; seed++) {
      Random random = new Random(seed);
      Case one = new Case(random);
      int held = one.held(random);
      if (held == one.worst()) {
        continue;
      }
      TestSequence sequence = one.sequence.reserved(held).kv(one.sequence.contextTokens());
      MemoryPlanner planner = create();
      planner.beginPlan(one.view);
      MemoryDecision decision = planner.grow(sequence, one.view);

      if (decision instanceof Reserve reserve) {
        assertThat(reserve.reservedBlocks())
            .as("seed %d", seed)
            .isGreaterThan(held)
            .isBetween(one.present(), one.worst());
      }
      assertGrantable(decision, one.view.availableBlocks() + held, seed);
    }
  }

  private static void assertGrantable(MemoryDecision decision, int within, long seed) {
    assertThat(decision.reason()).as("seed %d", seed).isNotBlank();
    if (decision instanceof Reserve reserve) {
      assertThat(reserve.reservedBlocks()).as("seed %d", seed).isLessThanOrEqualTo(within);
    } else {
      assertThat(((Defer) decision).neededBlocks()).as("seed %d", seed).isGreaterThan(within);
    }
  }

  /** A random sequence and a random state of memory. */
  private static final class Case {
    final TestSequence sequence;
    final MemoryView view;

    Case(Random random) {
      int max = 1 + random.nextInt(random.nextInt(10) == 0 ? 100_000 : 200);
      sequence = new TestSequence(3, 1 + random.nextInt(100), max);
      if (random.nextBoolean()) {
        sequence.generated(random.nextInt(max));
      }
      if (random.nextInt(3) == 0) {
        sequence.floor(1 + random.nextInt(max));
      }
      if (random.nextBoolean()) {
        sequence.predicted(LengthPrediction.exactly(1 + random.nextInt(max)));
      }
      if (random.nextInt(4) == 0) { // a canvas, whose length is not known yet in half of the cases
        int canvas = random.nextBoolean() ? 0 : sequence.generatedTokens() + random.nextInt(max);
        sequence.canvas(sequence.promptTokens() + Math.min(max, canvas), 1 + random.nextInt(9));
      }
      int capacity = 1 + random.nextInt(200);
      view =
          new MemoryView(
              1 + random.nextInt(17), capacity, random.nextInt(capacity + 1), List.of(sequence));
    }

    int present() {
      return view.blocksFor(sequence.slotsNeeded());
    }

    /** Returns the reservation that the sequence has outgrown, or has just filled. */
    int held(Random random) {
      int context = view.blocksFor(sequence.contextTokens());
      return sequence.canvas() && present() > context
          ? context + random.nextInt(present() - context)
          : present();
    }

    int worst() {
      return view.blocksFor(sequence.worstCaseTokens());
    }
  }
}
