package dev.s3llm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.memory.MemoryDecision.Reserve;
import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.testkit.MemoryPlannerContract;
import dev.s3llm.testkit.TestSequence;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class ForecastPlannerTest {
  private static final int CAPACITY = 1_000;

  @Nested
  class Contract extends MemoryPlannerContract {
    @Override
    protected MemoryPlanner create() {
      return new ForecastPlanner();
    }
  }

  @Nested
  class ClairvoyantContract extends MemoryPlannerContract {
    @Override
    protected MemoryPlanner create() {
      return KnownLengthPlanners.clairvoyant(id -> 50);
    }
  }

  @Test
  void exactLengths_areAdmittedUpToTheFuturePeak() {
    ForecastPlanner planner = new ForecastPlanner();
    TestSequence old = running(1, 90, 200, 10).predicted(LengthPrediction.exactly(20));
    int admitted = admissions(planner, List.of(old), LengthPrediction.exactly(101));

    assertThat(admitted)
        .isEqualTo(9); // their peak is 9 * 110 tokens, long after the old one has ended
  }

  @Test
  void spread_costsRoom() {
    LengthBuckets buckets = LengthBuckets.of(40, 41, 200, 201);
    LengthPrediction certain = LengthPrediction.of(buckets, 0.001, 0.5, 0.498, 0.001);
    LengthPrediction spread = LengthPrediction.of(LengthBuckets.of(240), 1);
    int manyCertain = admissions(new ForecastPlanner(), List.of(), certain);
    int manySpread = admissions(new ForecastPlanner(), List.of(), spread);

    assertThat(manySpread).isLessThanOrEqualTo(manyCertain);
    assertThat(manyCertain).isBetween(4, 30);
  }

  @Test
  void preemptions_raiseTheMarginAndQuietLowersIt() {
    ForecastPlanner planner = new ForecastPlanner();
    planner.beginPlan(view(List.of(running(99, 10, 10, 1))));
    double before = planner.marginDeviations();
    for (int i = 0; i < 5; i++) {
      planner.stepCompleted(new MemoryPlanner.StepCost(10, 10, 80, 80, 1_000));
    }
    double raised = planner.marginDeviations();
    MemoryView view = view(List.of(running(99, 10, 10, 1)));
    planner.beginPlan(view);
    assertThat(planner.admit(new TestSequence(1, 900, 400), view)) // the margin defers a sequence
        .isInstanceOf(MemoryDecision.Defer.class);
    for (int i = 0; i < 200_000; i++) {
      planner.stepCompleted(new MemoryPlanner.StepCost(20, 20 + i % 7, 0, 0, 1_000));
    }
    assertThat(raised).isGreaterThan(1.5 * before);
    assertThat(planner.marginDeviations()).isLessThan(before).isGreaterThan(0);
  }

  @Test
  void exactLengthsThatProvedWrong_areDoubtedUntilTheLossIsMadeUpFor() {
    LengthPrediction claimed = LengthPrediction.exactly(101);
    ForecastPlanner planner = new ForecastPlanner(0.01);
    int believing = admissions(planner, List.of(), claimed);
    planner.stepCompleted(new MemoryPlanner.StepCost(1, 1, 300, 300, 1_000));
    int doubting = admissions(planner, List.of(), claimed);
    for (int i = 0; i < 300; i++) {
      planner.stepCompleted(new MemoryPlanner.StepCost(100, 100, 0, 0, 1_000));
    }
    assertThat(believing).isEqualTo(9);
    assertThat(doubting).isBetween(1, 8);
    assertThat(admissions(planner, List.of(), claimed)).isEqualTo(9);
  }

  @Test
  void exactAndUncertainCandidatesOfOnePlan_countTogether() {
    ForecastPlanner planner = new ForecastPlanner();
    MemoryView empty = view(List.of());
    planner.beginPlan(empty);
    for (int i = 0; i < 8; i++) {
      TestSequence exact = new TestSequence(i, 10, 400).predicted(LengthPrediction.exactly(101));
      assertThat(planner.admit(exact, new MemoryView(1, CAPACITY, 900 - 10 * i, List.of())))
          .isInstanceOf(Reserve.class);
    }
    TestSequence uncertain = new TestSequence(9, 10, 400).predicted(LengthPrediction.uniform(400));
    assertThat(planner.admit(uncertain, new MemoryView(1, CAPACITY, 820, List.of())))
        .isInstanceOf(MemoryDecision.Defer.class);
  }

  @Test
  void sequenceThatOutlivedItsPrediction_stillCounts() {
    List<TestSequence> outlived = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      outlived.add(running(i, 20, 500, 80).predicted(LengthPrediction.exactly(10)));
    }
    assertThat(admissions(new ForecastPlanner(), outlived, LengthPrediction.exactly(50))).isZero();
  }

  @Test
  void mostLost_isChecked() {
    for (double bad : new double[] {0, 1, -1, Double.NaN}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new ForecastPlanner(bad))
          .withMessageContaining("mostLost");
    }
  }

  /** Returns the number of new requests with prompts of ten tokens that one plan admits. */
  private static int admissions(
      ForecastPlanner planner, List<TestSequence> running, LengthPrediction prediction) {
    MemoryView view = view(running);
    planner.beginPlan(view);
    int admitted = 0;
    int available = view.availableBlocks();
    while (admitted < 200) {
      TestSequence candidate = new TestSequence(1_000 + admitted, 10, 400).predicted(prediction);
      MemoryView now = new MemoryView(1, CAPACITY, available, running);
      if (!(planner.admit(candidate, now) instanceof Reserve reserve)) {
        break;
      }
      available -= reserve.reservedBlocks();
      admitted++;
    }
    return admitted;
  }

  private static TestSequence running(long id, int prompt, int max, int generated) {
    return new TestSequence(id, prompt, max)
        .generated(generated)
        .kv(prompt + generated)
        .reserved(prompt + generated);
  }

  private static MemoryView view(List<TestSequence> running) {
    int used = running.stream().mapToInt(TestSequence::reservedBlocks).sum();
    return new MemoryView(1, CAPACITY, CAPACITY - used, running);
  }
}
