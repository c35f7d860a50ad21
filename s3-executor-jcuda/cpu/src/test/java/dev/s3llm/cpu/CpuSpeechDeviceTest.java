package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepBatch.BlockCopy;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.CtcText;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechInput;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A result is bitwise the same whatever else is computed, and wherever its KV lies. */
class CpuSpeechDeviceTest {
  private static final CpuSpeechWeights WEIGHTS = SpeechFixtures.weights();

  private final SpeechInput middle = SpeechFixtures.input("middle");
  private final SpeechInput other = SpeechFixtures.input(SpeechFixtures.features("short"), 61);
  private final SequenceStep sequence = SpeechFixtures.sequence(1, middle, 0);
  private final SequenceStep company = SpeechFixtures.sequence(2, other, 64);

  /** Canvases that do not end with a block or with a group of rows. */
  private final int[] ids = ids(41);

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void canvas_isBitwiseTheSameInAnyBatchOnAnyNumberOfThreads(int threads) {
    float[] alone = onItsOwn(false);
    float[] causal = onItsOwn(true);
    try (CpuSpeechDevice device = SpeechFixtures.device(WEIGHTS, threads, 16)) {
      encode(device, company, sequence);
      CanvasPass first = new CanvasPass(company, ids(7), 0, false);
      CanvasPass firstCausal = new CanvasPass(company, ids(3), 0, true);
      assertThat(last(device.decode(List.of(first, pass(false))))).isEqualTo(alone);
      assertThat(last(device.decode(List.of(firstCausal, pass(true))))).isEqualTo(causal);
      assertThat(last(device.decode(List.of(firstCausal, pass(false))))).isEqualTo(alone);
    }
  }

  @Test
  void recording_isReadTheSameInAnyBatchOnAnyNumberOfThreads() {
    try (CpuSpeechDevice one = SpeechFixtures.device(WEIGHTS, 1, 16);
        CpuSpeechDevice three = SpeechFixtures.device(WEIGHTS, 3, 16)) {
      CtcText alone = encode(one, sequence).get(0);
      CtcText together = encode(three, company, sequence).get(1);
      assertThat(together.ids()).isEqualTo(alone.ids()).isNotEmpty();
      assertThat(together.confidences()).isEqualTo(alone.confidences());
      assertThat(together.index()).isEqualTo(alone.index());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 40})
  void causalRows_areBitwiseTheSameInAnySteps(int rowsOfAStep) {
    float[] whole = onItsOwn(true);
    int vocabulary = SpeechFixtures.CONFIG.vocabularySize();
    float[] parts = new float[whole.length];
    try (CpuSpeechDevice device = SpeechFixtures.device(WEIGHTS, 1, 16)) {
      encode(device, sequence);
      for (int first = 0; first < ids.length; first += rowsOfAStep) {
        int[] some = Arrays.copyOfRange(ids, first, Math.min(ids.length, first + rowsOfAStep));
        float[] logits = device.decode(List.of(new CanvasPass(sequence, some, first, true)));
        System.arraycopy(logits, 0, parts, first * vocabulary, logits.length);
      }
    }
    assertThat(parts).isEqualTo(whole);
  }

  @Test
  void swappedSequence_goesOnWithTheSameLogits() {
    float[] whole = onItsOwn(true);
    int vocabulary = SpeechFixtures.CONFIG.vocabularySize();
    SequenceStep moved = SpeechFixtures.sequence(1, middle, 128);
    try (CpuSpeechDevice device = SpeechFixtures.device(WEIGHTS, 1, 16)) {
      encode(device, sequence);
      device.decode(List.of(new CanvasPass(sequence, Arrays.copyOf(ids, 20), 0, true)));
      List<BlockCopy> out = new ArrayList<>();
      List<BlockCopy> in = new ArrayList<>();
      for (int i = 0; i < 4; i++) { // 37 frames and 20 characters
        out.add(new BlockCopy(1, sequence.block(i), i));
        in.add(new BlockCopy(1, moved.block(i), i));
      }
      device.copy(new StepBatch(0, List.of(), out, List.of()));
      encode(device, SpeechFixtures.sequence(2, other, 0)); // in the blocks that became free
      device.copy(new StepBatch(1, List.of(), List.of(), in));
      int[] rest = Arrays.copyOfRange(ids, 20, ids.length);
      float[] logits = device.decode(List.of(new CanvasPass(moved, rest, 20, true)));
      assertThat(logits).isEqualTo(Arrays.copyOfRange(whole, 20 * vocabulary, whole.length));
    }
  }

  @Test
  void maskedRows_seeTheWholeCanvasAndCausalRowsWhatIsBefore() {
    int vocabulary = SpeechFixtures.CONFIG.vocabularySize();
    try (CpuSpeechDevice device = SpeechFixtures.device(WEIGHTS, 1, 16)) {
      encode(device, sequence);
      float[] masked = device.decode(List.of(pass(false)));
      float[] causal = device.decode(List.of(pass(true)));
      ids[40] = ids[40] == 5 ? 6 : 5;
      assertThat(Arrays.copyOf(device.decode(List.of(pass(false))), vocabulary))
          .isNotEqualTo(Arrays.copyOf(masked, vocabulary));
      assertThat(Arrays.copyOf(device.decode(List.of(pass(true))), 40 * vocabulary))
          .isEqualTo(Arrays.copyOf(causal, 40 * vocabulary));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5})
  void shortestRecordings_areEncoded(int frames) {
    SpeechInput input = SpeechFixtures.input(SpeechFixtures.features("short"), frames);
    SequenceStep step = SpeechFixtures.sequence(1, input, 0);
    try (CpuSpeechDevice device = SpeechFixtures.device(WEIGHTS, 2, 16)) {
      CtcText text = device.encode(List.of(new Recording(step, input))).get(0);
      assertThat(text.index()).hasSize((frames + 3) / 4);
      float[] logits = device.decode(List.of(new CanvasPass(step, ids(8), 0, false)));
      for (float logit : logits) {
        assertThat(logit).isFinite();
      }
    }
  }

  private float[] onItsOwn(boolean causal) {
    try (CpuSpeechDevice device = SpeechFixtures.device(WEIGHTS, 1, 16)) {
      encode(device, sequence);
      return device.decode(List.of(pass(causal)));
    }
  }

  private CanvasPass pass(boolean causal) {
    return new CanvasPass(sequence, ids, 0, causal);
  }

  private float[] last(float[] logits) {
    int size = ids.length * SpeechFixtures.CONFIG.vocabularySize();
    return Arrays.copyOfRange(logits, logits.length - size, logits.length);
  }

  private static int[] ids(int count) {
    return IntStream.range(0, count).map(i -> 2 + i * 11 % 28).toArray();
  }

  private static List<CtcText> encode(CpuSpeechDevice device, SequenceStep... sequences) {
    return device.encode(
        Arrays.stream(sequences)
            .map(step -> new Recording(step, (SpeechInput) step.input()))
            .toList());
  }
}
