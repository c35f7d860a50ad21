package dev.s3llm.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.s3llm.memory.MemoryDecision.Defer;
import dev.s3llm.memory.MemoryDecision.Reserve;
import dev.s3llm.predict.LengthBuckets;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.testkit.TestSequence;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class PlannersTest {
  private final S3Planner s3 = new S3Planner();

  @ParameterizedTest
  @CsvSource({"1, 12", "10, 12", "11, 15", "20, 15", "21, 17", "99, 37", "100, 37"})
  void s3_setsTheUpperEdgeOfThePredictedBucketAside(int predicted, int blocks) {
    // prompt 37, limit 100, ten buckets of 10, blocks of 4: 47, 57, 67 ... 137 tokens
    TestSequence sequence =
        new TestSequence(1, 37, 100).predicted(LengthPrediction.exactly(predicted));
    int expected = predicted > 90 ? (137 + 3) / 4 : blocks;

    assertThat(s3.admissionBlocks(sequence, view(4, 1000))).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"1, 3", "3, 3", "4, 5", "5, 5", "6, 7", "7, 7"})
  void s3_roundsUnevenEdgesUp(int predicted, int output) {
    // limit 7 in three buckets: edges 3 (7/3), 5 (14/3), 7
    TestSequence sequence =
        new TestSequence(1, 1, 7).predicted(LengthPrediction.exactly(predicted));

    assertThat(new S3Planner(3).admissionBlocks(sequence, view(1, 1000))).isEqualTo(1 + output);
  }

  @Test
  void s3_takesTheLikeliestBucketThatIsStillPossible() {
    LengthPrediction either = LengthPrediction.of(LengthBuckets.of(10, 80, 90), 0.7, 0, 0.3);
    TestSequence sequence = new TestSequence(1, 5, 100).predicted(either);

    assertThat(s3.admissionBlocks(sequence, view(1, 1000))).isEqualTo(15);
    assertThat(s3.admissionBlocks(sequence.generated(10), view(1, 1000))).isEqualTo(95);
    // the prediction leaves no bucket possible: twice the generated tokens
    assertThat(s3.admissionBlocks(sequence.generated(30).predicted(exactly(7)), view(1, 1000)))
        .isEqualTo(65);
    assertThat(s3.admissionBlocks(sequence.generated(70), view(1, 1000))).isEqualTo(105);
  }

  @Test
  void s3_coversTheFloorAfterPreemption() {
    TestSequence sequence = new TestSequence(1, 5, 100).predicted(exactly(7)).floor(40);

    assertThat(s3.admissionBlocks(sequence, view(1, 1000))).isEqualTo(45);
    assertThat(s3.admissionBlocks(sequence.floor(400), view(1, 1000))).isEqualTo(105);
  }

  @Test
  void growth_doublesTheOutputCovered() {
    TestSequence sequence =
        new TestSequence(1, 5, 100).predicted(exactly(10)).generated(11).kv(15).reserved(15);

    // 11 tokens are generated, more than predicted: room for twice 11 output tokens
    assertThat(s3.grow(sequence, view(1, 12))).isEqualTo(reserve(27));
    assertThat(s3.grow(sequence, view(1, 11)))
        .isEqualTo(new Defer(27, "not enough free KV blocks"));
    // 12 tokens are generated: room for 24 output tokens, 29 tokens in all, in blocks of 4
    assertThat(s3.grow(sequence.reserved(4).kv(16).generated(12), view(4, 10)))
        .isEqualTo(reserve(8));
    // at most the worst case
    assertThat(s3.grow(sequence.reserved(80), view(1, 100))).isEqualTo(reserve(105));
  }

  @Test
  void worstCase_setsTheLimitAside() {
    TestSequence sequence = new TestSequence(1, 5, 100);

    assertThat(new WorstCasePlanner().admit(sequence, view(4, 27)))
        .isEqualTo(new Reserve(27, "prompt and output limit"));
    assertThat(new WorstCasePlanner().admit(sequence, view(4, 26)))
        .isEqualTo(new Defer(27, "not enough free KV blocks"));
  }

  @Test
  void oracle_setsTheTrueLengthAside() {
    MemoryPlanner oracle = KnownLengthPlanners.oracle(id -> id.equals("r1") ? 8 : 1000);

    assertThat(oracle.admissionBlocks(new TestSequence(1, 5, 100), view(1, 1000))).isEqualTo(13);
    assertThat(oracle.admissionBlocks(new TestSequence(2, 5, 100), view(1, 1000))).isEqualTo(105);
  }

  @Test
  void onDemand_keepsItsWatermarkFree() {
    OnDemandPlanner planner = new OnDemandPlanner(0.1);
    TestSequence sequence = new TestSequence(1, 10, 100);

    MemoryView some = new MemoryView(1, 100, 20, List.of());
    assertThat(planner.admit(sequence, some)).isEqualTo(new Reserve(10, "present tokens"));
    MemoryView less = new MemoryView(1, 100, 19, List.of());
    assertThat(planner.admit(sequence, less)).isEqualTo(new Defer(20, "not enough free KV blocks"));
    // while no block is reserved, the watermark does not apply
    MemoryView small = new MemoryView(1, 10, 10, List.of());
    assertThat(planner.admit(sequence, small)).isEqualTo(new Reserve(10, "present tokens"));
  }

  @Test
  void onDemand_growsByABlock() {
    OnDemandPlanner planner = new OnDemandPlanner();
    TestSequence sequence = new TestSequence(1, 10, 100).reserved(3);

    assertThat(planner.grow(sequence, view(4, 1))).isEqualTo(new Reserve(4, "next block"));
    assertThat(planner.grow(sequence, view(4, 0))).isInstanceOf(Defer.class);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.01, 1, Double.NaN})
  void badWatermark_isNamed(double watermark) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OnDemandPlanner(watermark))
        .withMessage("watermark must be from 0 to below 1, but is " + watermark);
  }

  @Test
  void badBucketCount_isNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new S3Planner(0))
        .withMessage("buckets must be at least 1, but is 0");
  }

  @Test
  void hugeLengths_doNotOverflow() {
    TestSequence sequence = new TestSequence(1, 1 << 29, 1 << 30).predicted(exactly(1 << 30));
    MemoryView view = view(16, Integer.MAX_VALUE);

    assertThat(s3.admissionBlocks(sequence, view)).isEqualTo(3 << 25);
    assertThat(s3.grow(sequence.reserved((3 << 25) - 1), view(16, 1))).isEqualTo(reserve(3 << 25));
  }

  private static LengthPrediction exactly(int tokens) {
    return LengthPrediction.exactly(tokens);
  }

  private static Reserve reserve(int blocks) {
    return new Reserve(blocks, "prompt and predicted bucket");
  }

  private static MemoryView view(int blockTokens, int available) {
    return new MemoryView(blockTokens, Integer.MAX_VALUE, available, List.of());
  }
}
