package dev.s3llm.engine.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.engine.feedback.StepTimeModel;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.engine.sequence.SequenceSpec;
import dev.s3llm.engine.sequence.TestSequences;
import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.predict.LengthQuery;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Tests with steps of 10 ms, plus 0.1 ms for each decode and 0.02 ms for each prefilled token. */
class TokenTimeGuardTest {
  private static final int MOST = 4_096;
  private static final long NONE = Long.MAX_VALUE;
  private static final long MILLI = 1_000_000L;
  private final StepTimeModel model = new StepTimeModel();

  TokenTimeGuardTest() {
    Random random = new Random(1);
    for (int i = 0; i < 2_000; i++) {
      int decodes = random.nextInt(100);
      int prefilled = random.nextInt(1_000);
      long kv = random.nextInt(50_000);
      model.observe(decodes, prefilled, kv, 10 * MILLI + decodes * 100_000L + prefilled * 20_000L);
    }
  }

  @Test
  void withoutATarget_nothingIsLimited() {
    assertThat(budget(NONE, running(20, NONE))).isEqualTo(MOST);
  }

  @Test
  void enginesTarget_leavesRoomForSoMuchPrefill() {
    // 0.95 * 20 ms - 10 - 2.1 leave 6.9 ms: 345 tokens, beside 20 decodes
    assertThat(budget(20 * MILLI, running(20, NONE))).isBetween(355, 375);
  }

  @Test
  void strictestOfAll_counts() {
    List<Sequence> running = running(20, NONE);
    running.add(decoding(99, 15 * MILLI));
    int strict = budget(20 * MILLI, running);
    assertThat(strict).isBetween(105, 130); // 0.95 * 15 - 10 - 2.2 leave 2.05 ms, 102 tokens
    assertThat(budget(NONE, running)).isEqualTo(strict);
  }

  @Test
  void canvas_countsWithItsPositionsAndItsTokensPerPass() {
    List<Sequence> running = running(20, NONE);
    running.add(TestSequences.of(50, 10, 400).canvas(100).build());
    // 0.95 * 20 ms - 10 - 2.1 - 2 for the pass leave 4.9 ms: 245 tokens, beside 120 positions
    assertThat(budget(20 * MILLI, running)).isBetween(355, 375);
    assertThat(budget(12 * MILLI, running)).isEqualTo(20 + 100); // this batch cannot keep it
    List<Sequence> alone = List.of(TestSequences.of(50, 10, 400).canvas(100).build());
    // a pass commits 33 of 100 tokens, so 1 ms for a token allows 0.95 * 33 ms: 970 tokens
    assertThat(budget(MILLI, alone)).isBetween(950, 1_150);
  }

  @Test
  void targetBelowThisBatch_admitsNobodyButLetsAPrefillGoOn() {
    List<Sequence> running = running(20, NONE);
    assertThat(budget(12 * MILLI, running)).isEqualTo(20);
    running.add(new Sequence(50, spec(50, NONE))); // its prompt is still to be prefilled
    assertThat(budget(12 * MILLI, running)).isEqualTo(20 + TokenTimeGuard.LEAST_CHUNK);
  }

  @Test
  void targetMissedEvenAlone_limitsNothing() {
    assertThat(budget(5 * MILLI, running(20, NONE))).isEqualTo(MOST);
    List<Sequence> running = running(20, NONE);
    running.add(decoding(99, 1_000));
    assertThat(budget(NONE, running)).isEqualTo(MOST);
    assertThat(budget(20 * MILLI, running)).as("the engine's own target holds").isBetween(355, 375);
    running.add(decoding(100, 15 * MILLI));
    assertThat(budget(NONE, running)).as("another request's target holds").isBetween(105, 130);
  }

  @Test
  void canvasTargetMissedEvenAlone_limitsNothing() {
    List<Sequence> alone = List.of(TestSequences.of(50, 10, 400).canvas(100).build());
    // a pass of 100 positions takes 12 ms and commits 33 tokens
    assertThat(budget(MILLI / 4, alone)).isEqualTo(MOST);
    assertThat(budget(MILLI / 2, alone)).isLessThan(MOST);
  }

  @Test
  void nobodyDecodes_nothingIsLimited() {
    List<Sequence> running = List.of(new Sequence(1, spec(1, 5 * MILLI)));
    assertThat(budget(5 * MILLI, running)).isEqualTo(MOST);
  }

  @Test
  void beforeAnythingIsKnown_nothingIsLimited() {
    TokenTimeGuard guard = new TokenTimeGuard(5 * MILLI, new StepTimeModel());
    assertThat(guard.tokenBudget(running(20, NONE), MOST)).isEqualTo(MOST);
  }

  private int budget(long target, List<Sequence> running) {
    return new TokenTimeGuard(target, model).tokenBudget(running, MOST);
  }

  private static List<Sequence> running(int count, long tokenTime) {
    List<Sequence> running = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      running.add(decoding(i, tokenTime));
    }
    return running;
  }

  private static Sequence decoding(int id, long tokenTime) {
    Sequence sequence = new Sequence(id, spec(id, tokenTime));
    sequence.admitted(0, 64);
    sequence.startStep(8);
    sequence.append(1, 1);
    return sequence;
  }

  private static SequenceSpec spec(int id, long tokenTime) {
    return new SequenceSpec(
        "r" + id,
        new int[8],
        new int[0],
        SamplingParameters.GREEDY,
        SequenceSpec.Standing.NONE,
        new SequenceSpec.Times(0, Long.MAX_VALUE, tokenTime),
        new LengthQuery(8, null, null, 0, 56),
        new SequenceSink() {
          @Override
          public void onToken(int token) {}

          @Override
          public void onEnd(SequenceOutcome outcome) {}
        });
  }
}
