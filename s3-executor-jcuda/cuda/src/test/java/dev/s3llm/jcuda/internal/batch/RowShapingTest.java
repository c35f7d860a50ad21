package dev.s3llm.jcuda.internal.batch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.testkit.HandDrivenSequence;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RowShapingTest {
  private static final BatchFormat FORMAT = new BatchFormat(8, 4, 2048, 16, 1000);
  private static final int HEAD = RowShaping.HEAD_INTS;

  private final ByteBuffer into =
      ByteBuffer.allocateDirect(FORMAT.capacityBytes()).order(ByteOrder.nativeOrder());
  private final KeptMasks kept = new KeptMasks(FORMAT.keptMaskCount());
  private final StepLists lists = new StepLists(into, FORMAT, kept);
  private final RowShaping shaping = new RowShaping(lists, FORMAT.vocabulary());

  @Test
  void requestThatUsesNothing_hasNoLists() {
    assertThat(write(sequence(new SamplingParameters(0.8, 40, 0.9, 1, 7), 1, 2), 2))
        .isEqualTo(RowShaping.NONE);
    assertThat(lists.next()).isZero();
  }

  @Test
  void biases_followTheParameters() {
    SamplingParameters biased = SamplingParameters.GREEDY.withLogitBias(Map.of(17, -2.5));
    int place = write(sequence(biased, 1), 1);
    assertThat(value(place + 3)).isEqualTo(1);
    assertThat(value(place + HEAD)).isEqualTo(17);
    assertThat(Float.intBitsToFloat(value(place + HEAD + 1))).isEqualTo(-2.5f);
    assertThat(value(place + 7)).isEqualTo(RowShaping.NONE);
    assertThat(lists.next()).isEqualTo(place + HEAD + 2);
  }

  @Test
  void sharedMask_isWrittenOnce_andPaddedToTheVocabulary() {
    long[] mask = {1L << 63, 5};
    HandDrivenSequence one = sequence(SamplingParameters.GREEDY, 1).allow(mask);
    HandDrivenSequence two = sequence(SamplingParameters.GREEDY, 2).allow(mask);
    HandDrivenSequence other = sequence(SamplingParameters.GREEDY, 3).allow(mask.clone());
    int first = value(write(one, 1) + 7);
    assertThat(value(write(two, 1) + 7)).isEqualTo(first);
    assertThat(value(write(other, 1) + 7)).isNotEqualTo(first);
    assertThat(words(first, 32)).startsWith(0, Integer.MIN_VALUE, 5, 0).hasSize(32);
    assertThat(words(first, 32).subList(3, 32)).containsOnly(0);
  }

  @Test
  void maskOfALaterStep_isReadWhereTheDeviceKeepsIt() {
    long[] mask = {3, 1L << 40};
    HandDrivenSequence one = sequence(SamplingParameters.GREEDY, 1).allow(mask);
    kept.beginStep();
    int first = value(write(one, 1) + 7);
    assertThat(lists.copies()).isEqualTo(1);
    assertThat(lists.copyFrom(0)).isEqualTo(FORMAT.lists() + Integer.BYTES * first);
    nextStep();
    int place = value(write(one, 1) + 7);
    assertThat(lists.next()).isEqualTo(HEAD); // without the mask
    assertThat(lists.copies()).isZero();
    assertThat(FORMAT.lists() + Integer.BYTES * place)
        .isBetween(FORMAT.capacityBytes(), (int) FORMAT.deviceBytes() - FORMAT.maskBytes());
    kept.clear();
    nextStep();
    assertThat(value(write(one, 1) + 7)).isEqualTo(first); // again in the step's own lists
  }

  /** A device that copies as it is asked reads what the sequences allow, in every step. */
  @Test
  void masksOnTheDevice_areThoseOfTheSequences() {
    Random random = new Random(4);
    KeptMasks few = new KeptMasks(6);
    StepLists own = new StepLists(into, FORMAT, few);
    RowShaping writer = new RowShaping(own, FORMAT.vocabulary());
    ByteBuffer device = ByteBuffer.allocate((int) FORMAT.deviceBytes()).order(into.order());
    List<long[]> masks = IntStream.range(0, 12).mapToObj(i -> random.longs(16).toArray()).toList();
    int steps = 2000;
    int written = 0;
    for (int step = 0; step < steps; step++) {
      few.beginStep();
      own.clear();
      long[][] allowed = new long[4][];
      int[] places = new int[4];
      for (int s = 0; s < 4; s++) { // mostly few masks, which then change
        allowed[s] = masks.get((step / 500 + random.nextInt(random.nextInt(9) == 0 ? 12 : 4)) % 12);
        places[s] = writer.write(sequence(SamplingParameters.GREEDY, 1).allow(allowed[s]), 1);
      }
      written += own.next() - 4 * HEAD;
      device.put(0, into, 0, own.endBytes());
      for (int i = 0; i < own.copies(); i++) {
        device.put(own.copyTo(i), device, own.copyFrom(i), FORMAT.maskBytes());
      }
      for (int s = 0; s < 4; s++) {
        int mask = FORMAT.lists() + Integer.BYTES * into.getInt(at(places[s] + 7));
        for (int word = 0; word < 16; word++) {
          assertThat(device.getLong(mask + Long.BYTES * word)).isEqualTo(allowed[s][word]);
        }
      }
    }
    assertThat(written / (double) FORMAT.maskWords()).isLessThan(steps); // of 4 masks a step
  }

  private void nextStep() {
    kept.beginStep();
    lists.clear();
  }

  private static int at(int place) {
    return FORMAT.lists() + Integer.BYTES * place;
  }

  /** Counts by steps, over outputs that start over, are those of a plain count. */
  @Test
  void occurrences_areThoseOfPromptAndOutput_inEveryStep() {
    Random random = new Random(1);
    for (boolean repetition : new boolean[] {true, false}) {
      SamplingParameters sampling =
          new SamplingParameters(1, 0, 1, repetition ? 1.2 : 1, 3).withPenalties(0.5, 0.25);
      int[] prompt = random.ints(300, -1, 1000).toArray(); // -1 is a position of an input
      HandDrivenSequence sequence = new HandDrivenSequence(1, prompt, sampling, 0);
      for (int n = 0; n < 400; n++) {
        Map<Integer, Integer> expected = new TreeMap<>();
        for (int p = repetition ? 0 : 300; p < 300 + n; p++) {
          if (sequence.token(p) >= 0) {
            expected.merge(sequence.token(p), p < 300 ? 0 : 1, Integer::sum);
          }
        }
        if (n % 7 == 0) { // the others are steps of another engine, or none
          lists.clear();
          assertThat(occurrences(write(sequence, 300 + n))).as("after %d", n).isEqualTo(expected);
        }
        sequence.append(random.nextInt(n < 200 ? 1000 : 5));
      }
    }
  }

  @Test
  void longestLists_fitIntoTheImage() {
    Map<Integer, Double> biases = new TreeMap<>();
    IntStream.range(0, SamplingParameters.MOST_BIASES).forEach(i -> biases.put(i, 1.0));
    SamplingParameters all = new SamplingParameters(1, 0, 1, 0, 1.2, 1, 1, biases, 3);
    for (int i = 0; i < 4 * FORMAT.maxContext() / 16; i++) {
      lists.add(i); // block tables
    }
    for (int s = 0; s < 4; s++) {
      HandDrivenSequence sequence = sequence(all, 7);
      for (int p = 1; p < FORMAT.maxContext(); p++) {
        sequence.append(p / 2 % 1000);
      }
      IntStream.range(0, 64).forEach(lists::add); // forbidden tokens
      write(sequence.allow(new long[16]), FORMAT.maxContext());
    }
    assertThat(lists.endBytes()).isBetween(FORMAT.capacityBytes() / 2, FORMAT.capacityBytes());
  }

  private Map<Integer, Integer> occurrences(int place) {
    Map<Integer, Integer> found = new TreeMap<>();
    if (place == RowShaping.NONE) {
      return found;
    }
    int at = place + HEAD + 2 * value(place + 3);
    for (int kind = 0; kind < 3; kind++) {
      for (int i = 0; i < value(place + 4 + kind); i++) {
        found.put(value(at), kind < 2 ? kind : value(at + 1));
        at += kind < 2 ? 1 : 2;
      }
    }
    assertThat(at).isEqualTo(lists.next());
    return found;
  }

  private int write(HandDrivenSequence sequence, int length) {
    return shaping.write(sequence, length);
  }

  private int value(int place) {
    return into.getInt(at(place));
  }

  private List<Integer> words(int place, int count) {
    return new ArrayList<>(IntStream.range(place, place + count).mapToObj(this::value).toList());
  }

  private static HandDrivenSequence sequence(SamplingParameters sampling, int... prompt) {
    return new HandDrivenSequence(1, prompt, sampling, 0);
  }
}
