package dev.s3llm.jcuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepBatch.BlockCopy;
import dev.s3llm.jcuda.internal.speech.SpeechModels;
import dev.s3llm.model.speech.CanvasPass;
import dev.s3llm.model.speech.CtcText;
import dev.s3llm.model.speech.Recording;
import dev.s3llm.model.speech.SpeechDevice;
import dev.s3llm.model.speech.SpeechFiles;
import dev.s3llm.model.speech.SpeechInput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The arithmetic of speech on the GPU: near the host's, and bitwise a sequence's own. */
@GpuTest
class CudaSpeechTest {
  /** Root mean square of the differences over that of the values. */
  private static final double TOLERANCE = 5e-3;

  private static final int VOCABULARY = 30;

  private final SpeechDevice gpu = SpeechFixtures.gpu();
  private final SpeechInput small = input("short");
  private final SpeechInput middle = input("middle");

  /** 12 times the middle recording and 3 frames: 445 frames, 14 tiles of 32 keys. */
  private final SpeechInput large = repeated("middle", 12);

  private final SequenceStep first = sequence(1, small, 0);
  private final SequenceStep second = sequence(2, middle, 64);
  private final SequenceStep third = sequence(3, large, 128);

  private static SpeechInput input(String name) {
    return SpeechModels.input(SpeechFixtures.features(name));
  }

  private static SpeechInput repeated(String name, int times) {
    float[] once = SpeechFixtures.features(name);
    float[] all = new float[times * once.length + 3 * 64];
    for (int i = 0; i < all.length; i++) {
      all[i] = once[i % once.length];
    }
    return SpeechModels.input(all);
  }

  private static SequenceStep sequence(long id, SpeechInput input, int firstBlock) {
    return SpeechModels.sequence(id, input, firstBlock, 64);
  }

  private static List<CtcText> encode(SpeechDevice device, SequenceStep... sequences) {
    return device.encode(
        Arrays.stream(sequences)
            .map(step -> new Recording(step, (SpeechInput) step.input()))
            .toList());
  }

  private static int[] ids(int seed, int count) {
    return new Random(seed).ints(count, 1, VOCABULARY).map(id -> id < 8 ? 2 : id).toArray();
  }

  @AfterEach
  void close() {
    gpu.close();
  }

  @Test
  void ctc_readsAsTheHost() {
    try (SpeechDevice cpu = SpeechFixtures.cpu()) {
      List<CtcText> expected = encode(cpu, first, second, third);
      List<CtcText> actual = encode(gpu, first, second, third);
      for (int i = 0; i < 3; i++) {
        assertThat(actual.get(i).ids()).isEqualTo(expected.get(i).ids()).isNotEmpty();
        assertThat(actual.get(i).index()).isEqualTo(expected.get(i).index());
        double error = error(actual.get(i).confidences(), expected.get(i).confidences());
        assertThat(error).isLessThan(TOLERANCE);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void logitsOfRaggedBatches_areNearTheHosts(boolean causal) {
    try (SpeechDevice cpu = SpeechFixtures.cpu()) {
      encode(cpu, first, second, third);
      encode(gpu, first, second, third);
      List<CanvasPass> passes =
          List.of(
              new CanvasPass(first, ids(1, 8), 0, causal),
              new CanvasPass(second, ids(2, 33), 0, causal),
              new CanvasPass(third, ids(3, 256), 0, causal));
      float[] expected = cpu.decode(passes);
      float[] actual = gpu.decode(passes);
      int row = 0;
      for (CanvasPass pass : passes) {
        int end = row + pass.ids().length;
        float[] own = Arrays.copyOfRange(actual, row * VOCABULARY, end * VOCABULARY);
        float[] host = Arrays.copyOfRange(expected, row * VOCABULARY, end * VOCABULARY);
        double error = error(own, host);
        System.out.printf(
            "speech parity with the host, %s, %d rows: error %.2e%n",
            causal ? "causal" : "masked", end - row, error);
        assertThat(error).isLessThan(TOLERANCE);
        row = end;
      }
    }
  }

  @Test
  void causalRowAfterOthers_isNearTheHosts() {
    try (SpeechDevice cpu = SpeechFixtures.cpu()) {
      for (SpeechDevice device : List.of(cpu, gpu)) {
        encode(device, second);
        device.decode(List.of(new CanvasPass(second, ids(4, 40), 0, true)));
      }
      List<CanvasPass> next = List.of(new CanvasPass(second, new int[] {9, 10}, 40, true));
      assertThat(error(gpu.decode(next), cpu.decode(next))).isLessThan(TOLERANCE);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"short", "middle"})
  void logits_areNearTheReference(String name) throws IOException {
    JsonNode expected = SpeechFixtures.vectors().get(name);
    SequenceStep sequence = name.equals("short") ? first : second;
    CtcText text = encode(gpu, sequence).get(0);
    assertThat(text.ids()).isEqualTo(ints(expected.at("/ctc/ids")));
    assertThat(text.index()).isEqualTo(ints(expected.at("/ctc/index")));
    for (JsonNode canvas : expected.get("canvases")) {
      boolean causal = canvas.get("mode").asInt() == 1;
      float[] logits =
          gpu.decode(List.of(new CanvasPass(sequence, ints(canvas.get("ids")), 0, causal)));
      for (JsonNode row : canvas.get("logits")) {
        int at = row.get(0).asInt() * VOCABULARY;
        float[] values = new float[VOCABULARY];
        for (int i = 0; i < VOCABULARY; i++) {
          values[i] = (float) row.get(1).get(i).asDouble();
        }
        double error = error(Arrays.copyOfRange(logits, at, at + VOCABULARY), values);
        assertThat(error).as("%s, causal %s, %s", name, causal, row.get(0)).isLessThan(TOLERANCE);
      }
    }
  }

  @Test
  void results_areBitwiseTheSameAloneAndInAnyBatch() {
    List<CtcText> together = encode(gpu, third, first, second);
    CanvasPass masked = new CanvasPass(second, ids(5, 32), 0, false);
    CanvasPass other = new CanvasPass(third, ids(6, 100), 0, false);
    CanvasPass causal = new CanvasPass(first, ids(7, 5), 0, true);
    float[] batch = gpu.decode(List.of(causal, other, masked));
    CtcText alone = encode(gpu, second).get(0);
    assertThat(together.get(2).confidences()).isEqualTo(alone.confidences());
    assertThat(together.get(2).index()).isEqualTo(alone.index());
    assertThat(gpu.decode(List.of(masked))).isEqualTo(part(batch, 105, 137));
    assertThat(gpu.decode(List.of(causal))).isEqualTo(part(batch, 0, 5));
    assertThat(gpu.decode(List.of(other))).isEqualTo(part(batch, 5, 105));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 40})
  void causalRows_areBitwiseTheSameInAnySteps(int rowsOfAStep) {
    encode(gpu, second, third);
    int[] ids = ids(8, 70);
    float[] whole = gpu.decode(List.of(new CanvasPass(second, ids, 0, true)));
    encode(gpu, second);
    for (int at = 0; at < ids.length; at += rowsOfAStep) {
      int end = Math.min(ids.length, at + rowsOfAStep);
      CanvasPass some = new CanvasPass(second, Arrays.copyOfRange(ids, at, end), at, true);
      CanvasPass company = new CanvasPass(third, ids(9, 1 + at), 0, false);
      float[] logits = gpu.decode(List.of(company, some));
      assertThat(part(logits, 1 + at, 1 + end)).isEqualTo(part(whole, at, end));
    }
  }

  @Test
  void swappedSequence_goesOnWithTheSameLogits() {
    int[] ids = ids(10, 41);
    encode(gpu, second);
    float[] whole = gpu.decode(List.of(new CanvasPass(second, ids, 0, true)));
    encode(gpu, second);
    gpu.decode(List.of(new CanvasPass(second, Arrays.copyOf(ids, 20), 0, true)));
    SequenceStep moved = sequence(2, middle, 400);
    List<BlockCopy> out = new ArrayList<>();
    List<BlockCopy> in = new ArrayList<>();
    for (int i = 0; i < 4; i++) { // 37 frames and 20 characters
      out.add(new BlockCopy(2, second.block(i), i));
      in.add(new BlockCopy(2, moved.block(i), i));
    }
    gpu.copy(new StepBatch(0, List.of(), out, List.of()));
    encode(gpu, sequence(4, large, 64)); // in the blocks that became free
    gpu.copy(new StepBatch(1, List.of(), List.of(), in));
    int[] rest = Arrays.copyOfRange(ids, 20, 41);
    assertThat(gpu.decode(List.of(new CanvasPass(moved, rest, 20, true))))
        .isEqualTo(part(whole, 20, 41));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 63, 64, 65, 127, 16_384})
  void recordingsOfAnyLength_haveFiniteLogits(int featureFrames) {
    float[] features = new float[64 * featureFrames];
    Random random = new Random(featureFrames);
    for (int i = 0; i < features.length; i++) {
      features[i] = (float) random.nextGaussian();
    }
    SpeechInput input = SpeechModels.input(features);
    SequenceStep step = SpeechModels.sequence(5, input, 0, 400);
    assertThat(encode(gpu, step).get(0).index()).hasSize((featureFrames + 3) / 4);
    for (int count : new int[] {1, 8, 2048}) {
      float[] logits = gpu.decode(List.of(new CanvasPass(step, ids(1, count), 0, false)));
      assertThat(IntStream.range(0, logits.length).allMatch(i -> Float.isFinite(logits[i])))
          .isTrue();
    }
  }

  @Test
  void costsOfRecovery_areMeasured() {
    assertThat(gpu.profile().recoveryCosts().swapNanosPerBlock()).isPositive();
    assertThat(gpu.profile().recoveryCosts().recomputeNanosPerToken()).isPositive();
  }

  @Test
  void kvThatDoesNotFit_isRefusedWithTheBytes() {
    try (SpeechFiles files = SpeechFixtures.model()) {
      assertThatThrownBy(
              () ->
                  JCudaSpeechExecutor.builder(files.config(), files.tensors())
                      .kvBytes(1L << 42)
                      .build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(String.valueOf(1L << 42))
          .hasMessageContaining("kvBytes");
    }
  }

  private static float[] part(float[] logits, int fromRow, int toRow) {
    return Arrays.copyOfRange(logits, fromRow * VOCABULARY, toRow * VOCABULARY);
  }

  private static double error(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double differences = 0;
    double values = 0;
    for (int i = 0; i < expected.length; i++) {
      differences += Math.pow((double) actual[i] - expected[i], 2);
      values += Math.pow(expected[i], 2);
    }
    return Math.sqrt(differences / values); // not a number if a result is none
  }

  private static int[] ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::asInt).toArray();
  }
}
