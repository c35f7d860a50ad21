package dev.s3llm.model.speech;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.speech.Decoding.Strategy;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** The rules by which a canvas is filled, on logits made by hand. */
class CanvasStrategyTest {
  private static final SpeechConfig CONFIG = HashSpeechDevice.CONFIG;
  private static final int WIDTH = CONFIG.vocabularySize();
  private static final int END = CONFIG.endId();
  private static final int MASK = CONFIG.maskId();
  private static final int A = 3;
  private static final int B = 4;
  private static final int C = 5;
  private static final int D = 6;

  // ---- easy first

  @Test
  void easyFirst_fillsTheMostConfidentPositionsFirst() {
    Canvas canvas = opened(Strategy.EASY_FIRST, 2, 4);
    pass(canvas, Strategy.EASY_FIRST, row(A, 0.5), row(B, 0.8), row(C, 0.9), row(D, 0.4), end());

    assertThat(text(canvas)).containsExactly(MASK, B, C, MASK);
    assertThat(canvas.settled()).isZero();
    assertThat(canvas.finished()).isFalse();
    assertThat(CanvasStrategy.of(Strategy.EASY_FIRST).passesLeft(canvas)).isEqualTo(1);
  }

  @Test
  void filledPosition_neverChanges() {
    Canvas canvas = opened(Strategy.EASY_FIRST, 2, 4);
    pass(canvas, Strategy.EASY_FIRST, row(A, 0.5), row(B, 0.8), row(C, 0.9), row(D, 0.4), end());
    pass(canvas, Strategy.EASY_FIRST, row(D, 0.9), row(D, 0.9), row(D, 0.9), row(A, 0.9), end());

    assertThat(text(canvas)).containsExactly(D, B, C, A);
    assertThat(canvas.finished()).isTrue();
    assertThat(canvas.settled()).isEqualTo(4);
    assertThat(canvas.ids()).endsWith(END, END, END, END);
  }

  @Test
  void ofEqualConfidences_theLowerPositionIsFilledFirst() {
    Canvas canvas = opened(Strategy.EASY_FIRST, 4, 4);
    for (int n = 1; n <= 4; n++) {
      pass(canvas, Strategy.EASY_FIRST, row(A, 0.7), row(B, 0.7), row(C, 0.7), row(D, 0.7), end());
      assertThat(canvas.settled()).isEqualTo(n);
    }
  }

  @Test
  void confidencesThatFloatCannotTellApart_areEqual() {
    Canvas canvas = opened(Strategy.EASY_FIRST, 2, 2);
    float[] sure = row(A, 0.5);
    sure[A] = 40;
    float[] surer = row(B, 0.5);
    surer[B] = 50;
    pass(canvas, Strategy.EASY_FIRST, sure, surer, end());
    assertThat(text(canvas)).containsExactly(A, MASK);
  }

  @ParameterizedTest
  @CsvSource({"1, 5, 1", "3, 5, 3", "3, 4, 2", "5, 3, 3", "2, 7, 2", "100, 6, 6", "4, 5, 3"})
  void easyFirst_takesAsFewPassesAsTheCeilingAllows(int passes, int length, int made) {
    Canvas canvas = opened(Strategy.EASY_FIRST, passes, length);
    float[][] rows = new float[length + 1][];
    Arrays.fill(rows, row(A, 0.7));
    rows[length] = end();
    while (!canvas.finished()) {
      pass(canvas, Strategy.EASY_FIRST, rows);
    }
    assertThat(canvas.allPasses()).isEqualTo(made);
  }

  // ---- the length

  @Test
  void length_isTheLikeliestSplit() {
    // an end at 1 is more than outweighed by characters at 2 and 3
    assertThat(length(row(A, 0.9), ended(0.8), row(A, 0.9), row(B, 0.9), end(), end()))
        .isEqualTo(4);
    assertThat(length(row(A, 0.9), ended(0.95), ended(0.6), ended(0.3), end(), end())).isEqualTo(1);
    assertThat(length(end(), end())).isZero();
    assertThat(length(row(A, 0.9), row(A, 0.9))).isEqualTo(2);
  }

  @Test
  void ofEquallyLikelyLengths_theSmallestCounts() {
    float[] even = new float[WIDTH];
    even[END] = (float) Math.log(WIDTH - 1); // one half, so that a split there changes nothing
    Scores scores = scores(row(A, 0.9), even, even, end());
    float[] half = {scores.probability(1, END), scores.probability(2, END)};
    assertThat(half).containsOnly(0.5f);
    assertThat(scores.length()).isEqualTo(1);
  }

  @Test
  void certainEnd_isLimited() {
    float[] certain = new float[WIDTH];
    certain[END] = 200;
    float[] impossible = new float[WIDTH];
    impossible[END] = -200;
    // each side weighs the same, whatever the size of the logits
    assertThat(length(certain, impossible, impossible, end())).isEqualTo(3);
    assertThat(length(impossible, certain, certain, end())).isEqualTo(1);
  }

  @Test
  void canvasWithoutAnEnd_isDoubledAndAllMasked() {
    Canvas canvas = opened(Strategy.EASY_FIRST, 1, 1);
    assertThat(canvas.size()).isEqualTo(4);
    float[][] rows = new float[4][];
    Arrays.fill(rows, row(A, 0.9));
    pass(canvas, Strategy.EASY_FIRST, rows);

    assertThat(canvas.size()).isEqualTo(8);
    assertThat(canvas.doublings()).isEqualTo(1);
    assertThat(canvas.pass()).isZero();
    assertThat(canvas.finished()).isFalse();
    assertThat(canvas.ids()).containsOnly(MASK).hasSize(8);
  }

  @Test
  void largestCanvasWithoutAnEnd_isFilledByTheText() {
    for (Strategy strategy :
        List.of(Strategy.EASY_FIRST, Strategy.MASK_PREDICT, Strategy.LEFTMOST)) {
      Canvas canvas = new Canvas(CONFIG, 7, 1);
      CanvasStrategy.of(strategy).begin(canvas, ctc(1, 0.95f));
      float[] certain = row(A, 0.9);
      while (!canvas.finished()) {
        float[][] rows = new float[canvas.size()][];
        Arrays.fill(rows, certain);
        pass(canvas, strategy, rows);
        assertThat(canvas.allPasses()).isLessThan(20);
      }
      assertThat(canvas.size()).isEqualTo(7);
      assertThat(canvas.settled()).isEqualTo(7);
    }
  }

  @Test
  void canvas_isTheFirstRungWithRoom() {
    int[] sizes = {1, 2, 3, 6, 7, 14, 15, 50};
    int[] rungs = {4, 4, 8, 8, 16, 16, 32, 60};
    for (int i = 0; i < sizes.length; i++) {
      Canvas canvas = new Canvas(CONFIG, 60, 3);
      CanvasStrategy.of(Strategy.EASY_FIRST).begin(canvas, ctc(sizes[i], 0.95f));
      assertThat(canvas.size()).isEqualTo(rungs[i]);
    }
  }

  // ---- mask-predict

  @Test
  void maskPredict_masksTheLeastConfidentAgain() {
    Canvas canvas = opened(Strategy.MASK_PREDICT, 3, 4);
    pass(canvas, Strategy.MASK_PREDICT, row(A, .5), row(B, .8), row(C, .9), row(D, .4), end());
    // before pass 2 of 3: floor(4 * 2 / 3) = 2 of 4
    assertThat(text(canvas)).containsExactly(MASK, B, C, MASK);
    assertThat(canvas.settled()).isZero();

    pass(canvas, Strategy.MASK_PREDICT, row(D, .6), row(A, .9), row(A, .9), row(A, .95), end());
    // before pass 3: floor(4 / 3) = 1, which is now position 0
    assertThat(text(canvas)).containsExactly(MASK, B, C, A);

    pass(canvas, Strategy.MASK_PREDICT, row(B, .3), row(A, .9), row(A, .9), row(B, .95), end());
    assertThat(text(canvas)).containsExactly(B, B, C, A);
    assertThat(canvas.finished()).isTrue();
    assertThat(canvas.allPasses()).isEqualTo(3);
  }

  @Test
  void ofEqualConfidences_theHigherPositionIsMaskedAgain() {
    Canvas canvas = opened(Strategy.MASK_PREDICT, 2, 4);
    pass(canvas, Strategy.MASK_PREDICT, row(A, .7), row(B, .7), row(C, .7), row(D, .7), end());
    assertThat(text(canvas)).containsExactly(A, B, MASK, MASK);
  }

  @Test
  void maskPredict_masksAtLeastOne() {
    Canvas canvas = opened(Strategy.MASK_PREDICT, 10, 2);
    for (int pass = 1; pass < 10; pass++) {
      pass(canvas, Strategy.MASK_PREDICT, row(A, 0.5), row(B, 0.6), end());
      assertThat(canvas.masked()).isEqualTo(Math.max(1, 2 * (10 - pass) / 10));
      assertThat(canvas.finished()).isFalse();
    }
    pass(canvas, Strategy.MASK_PREDICT, row(A, 0.5), row(B, 0.6), end());
    assertThat(canvas.finished()).isTrue();
  }

  @Test
  void maskPredictOfAnEmptyText_endsAtOnce() {
    Canvas canvas = opened(Strategy.MASK_PREDICT, 10, 2);
    pass(canvas, Strategy.MASK_PREDICT, end(), end());
    assertThat(canvas.finished()).isTrue();
    assertThat(canvas.settled()).isZero();
  }

  // ---- the others

  @Test
  void leftmost_fillsOnePositionAPass() {
    Canvas canvas = opened(Strategy.LEFTMOST, 1, 2);
    pass(canvas, Strategy.LEFTMOST, row(A, 0.5), row(B, 0.9), end());
    assertThat(text(canvas)).containsExactly(A, MASK);
    pass(canvas, Strategy.LEFTMOST, row(C, 0.9), row(D, 0.9), end());
    assertThat(text(canvas)).containsExactly(A, D);
    assertThat(canvas.finished()).isTrue();
  }

  @Test
  void maskCtc_fillsOnlyCharactersBelowTheThreshold() {
    Canvas canvas = new Canvas(CONFIG, 60, 3);
    CtcText ctc =
        new CtcText(new int[] {A, B, C, D}, new float[] {0.95f, 0.9f, 0.900001f, 0.5f}, new int[9]);
    CanvasStrategy.of(Strategy.MASK_CTC).begin(canvas, ctc);

    assertThat(text(canvas)).containsExactly(A, MASK, C, MASK); // 0.9 as a float is below 0.9
    assertThat(canvas.settled()).isEqualTo(1);
    assertThat(canvas.size()).isEqualTo(8);
    pass(canvas, Strategy.MASK_CTC, row(D, .9), row(D, .5), row(D, .9), row(B, .6), row(A, .9));
    assertThat(text(canvas)).containsExactly(A, MASK, C, B); // ceil(2 / 3) a pass
    pass(canvas, Strategy.MASK_CTC, row(D, .9), row(D, .5), row(D, .9), row(D, .6), row(A, .9));
    assertThat(text(canvas)).containsExactly(A, D, C, B);
    assertThat(canvas.finished()).isTrue();
  }

  @Test
  void maskCtcThatIsSure_makesNoPass() {
    Canvas canvas = new Canvas(CONFIG, 60, 3);
    CanvasStrategy.of(Strategy.MASK_CTC).begin(canvas, ctc(5, 0.95f));
    assertThat(canvas.finished()).isTrue();
    assertThat(canvas.settled()).isEqualTo(5);
  }

  @Test
  void leftToRight_takesTheEndIfNoCharacterIsLikelier() {
    Canvas canvas = new Canvas(CONFIG, 60, 1);
    CanvasStrategy rule = CanvasStrategy.of(Strategy.LEFT_TO_RIGHT);
    float[] blankFirst = row(B, 0.5);
    blankFirst[CONFIG.blankId()] = 9;
    blankFirst[MASK] = 9;
    rule.fill(canvas, scores(end(), blankFirst));
    assertThat(Arrays.copyOf(canvas.ids(), canvas.settled())).containsExactly(B);
    rule.fill(canvas, scores(new float[WIDTH]));
    assertThat(canvas.finished()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(Strategy.class)
  void everyStrategy_fillsAsTheReferenceDoes(Strategy strategy) {
    int doublings = 0;
    for (int seed = 0; seed < 60; seed++) {
      int k = 1 + seed % 6;
      SpeechInput input =
          HashSpeechDevice.recording(
              seed, seed % 23, 1 + seed * 7 % 19, 5, Decoding.of(strategy, k));
      CtcText ctc = HashSpeechDevice.ctc(input);
      int limit = 4 + seed % 30;
      ReferenceDecoding reference = reference(input, ctc, limit);
      Canvas canvas = new Canvas(CONFIG, limit, k);
      CanvasStrategy rule = CanvasStrategy.of(strategy);
      rule.begin(canvas, ctc);
      while (!canvas.finished() && canvas.settled() < limit) {
        int[] ids = rule.causal() ? shifted(canvas) : canvas.ids();
        Scores scores = new Scores(CONFIG);
        scores.set(HashSpeechDevice.logits(input, ids, !rule.causal()), 0, ids.length);
        canvas.passMade();
        rule.fill(canvas, scores);
      }
      int[] answer = Arrays.copyOf(canvas.ids(), Math.min(limit, canvas.settled() + 1));
      if (canvas.settled() < limit) {
        answer[canvas.settled()] = END;
      }
      assertThat(answer).as("seed %d", seed).isEqualTo(reference.answer(strategy, k));
      assertThat(canvas.doublings()).isEqualTo(reference.doublings);
      if (!rule.causal()) {
        assertThat(canvas.allPasses()).isEqualTo(reference.passes);
        assertThat(canvas.size()).isEqualTo(reference.size);
      }
      doublings += canvas.doublings();
    }
    boolean measures =
        strategy == Strategy.EASY_FIRST
            || strategy == Strategy.MASK_PREDICT
            || strategy == Strategy.LEFTMOST;
    assertThat(doublings > 5).isEqualTo(measures);
  }

  static ReferenceDecoding reference(SpeechInput input, CtcText ctc, int limit) {
    return new ReferenceDecoding(
        CONFIG, ctc, limit, (ids, masked) -> HashSpeechDevice.logits(input, ids, masked));
  }

  // ---- by hand

  private static int[] shifted(Canvas canvas) {
    int[] ids = new int[canvas.settled() + 1];
    ids[0] = END;
    System.arraycopy(canvas.ids(), 0, ids, 1, canvas.settled());
    return ids;
  }

  private static Canvas opened(Strategy strategy, int passes, int characters) {
    Canvas canvas = new Canvas(CONFIG, 60, passes);
    CanvasStrategy.of(strategy).begin(canvas, ctc(characters, 0.95f));
    return canvas;
  }

  private static CtcText ctc(int characters, float confidence) {
    int[] ids = new int[characters];
    Arrays.fill(ids, A);
    float[] confidences = new float[characters];
    Arrays.fill(confidences, confidence);
    return new CtcText(ids, confidences, new int[characters]);
  }

  /** Makes a pass; rows that are not given are ends. */
  private static void pass(Canvas canvas, Strategy strategy, float[]... rows) {
    float[][] all = Arrays.copyOf(rows, Math.max(canvas.size(), rows.length));
    for (int i = rows.length; i < all.length; i++) {
      all[i] = end();
    }
    canvas.passMade();
    CanvasStrategy.of(strategy).fill(canvas, scores(all));
  }

  private static Scores scores(float[]... rows) {
    float[] flat = new float[(rows.length + 1) * WIDTH];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(rows[i], 0, flat, (i + 1) * WIDTH, WIDTH); // behind another canvas' row
    }
    Scores scores = new Scores(CONFIG);
    scores.set(flat, 1, rows.length);
    return scores;
  }

  private static int length(float[]... rows) {
    return scores(rows).length();
  }

  /** Returns a row in which a character has this probability, and the end hardly any. */
  private static float[] row(int id, double probability) {
    float[] row = new float[WIDTH];
    row[id] = (float) Math.log(probability / (1 - probability) * (WIDTH - 2));
    row[END] = -20;
    return row;
  }

  private static float[] end() {
    return ended(0.99);
  }

  private static float[] ended(double probability) {
    float[] row = new float[WIDTH];
    row[END] = (float) Math.log(probability / (1 - probability) * (WIDTH - 1));
    return row;
  }

  private static int[] text(Canvas canvas) {
    return Arrays.copyOf(canvas.ids(), canvas.length());
  }
}
