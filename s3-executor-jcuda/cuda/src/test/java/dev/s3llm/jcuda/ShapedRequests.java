package dev.s3llm.jcuda;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.testkit.HandDrivenSequence;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/** Requests that use masks, biases, penalties, min-p and log probabilities, drawn at random. */
final class ShapedRequests {
  private static final double[] TEMPERATURES = {0, 0.7, 1, 1.7, 5};
  private static final int[] TOP_K = {0, 0, 40, 1, 2000};
  private static final double[] TOP_P = {1, 1, 0.9, 0.3};
  private static final double[] MIN_P = {0, 0, 0.05, 0.3, 1};
  private static final double[] REPETITION = {1, 1, 1.3, 0.8};
  private static final double[] PRESENCE = {0, 0, 0.7, -1.3};
  private static final double[] FREQUENCY = {0, 0, 0.1, -0.37, 2};
  private static final int BLOCKS = 8;

  private final int vocabulary;

  /** The mask that some sequences of a step share, and which has fewer words than the others. */
  private final long[] shared;

  ShapedRequests(int vocabulary) {
    this.vocabulary = vocabulary;
    this.shared = new Random(3).longs((vocabulary + 63) / 64 - 1).toArray();
  }

  /** Returns a sequence with a prompt of up to 40 tokens, in eight blocks of its own. */
  HandDrivenSequence sequence(int id) {
    Random random = new Random(id);
    int[] prompt = random.ints(1 + random.nextInt(40), 0, vocabulary).toArray();
    int[] blocks = IntStream.range(BLOCKS * id, BLOCKS * id + BLOCKS).toArray();
    return new HandDrivenSequence(id, prompt, SamplingParameters.GREEDY, blocks);
  }

  /** Sets what the next step draws without anything that shapes the logits. */
  static void plain(HandDrivenSequence sequence) {
    sequence.sampling(SamplingParameters.GREEDY).allow((long[]) null).forbid().logProbabilities(-1);
  }

  /** Sets what the next step uses: every third request nothing, the others some of everything. */
  void shape(HandDrivenSequence sequence, int step) {
    plain(sequence);
    int id = (int) sequence.sequenceId();
    if (id % 3 == 0) {
      sequence.sampling(new SamplingParameters(0.8, 40, 0.9, 1, id));
      return;
    }
    sequence.sampling(parameters(id));
    Random random = new Random(31L * id + step);
    sequence.logProbabilities(random.nextInt(22) - 1);
    if (random.nextInt(3) > 0) {
      sequence.allow(mask(random));
    }
    if (random.nextInt(4) == 0) {
      sequence.forbid(1, vocabulary - 1);
    }
  }

  private SamplingParameters parameters(int id) {
    Random random = new Random(-1L - id);
    Map<Integer, Double> biases = new HashMap<>();
    for (int i = random.nextInt(12); i > 0; i--) {
      biases.put(random.nextInt(vocabulary), i == 1 ? -100 : random.nextGaussian() * 3);
    }
    return new SamplingParameters(
        TEMPERATURES[random.nextInt(5)],
        TOP_K[random.nextInt(5)],
        TOP_P[random.nextInt(4)],
        MIN_P[random.nextInt(5)],
        REPETITION[random.nextInt(4)],
        PRESENCE[random.nextInt(4)],
        FREQUENCY[random.nextInt(5)],
        biases,
        id);
  }

  private long[] mask(Random random) {
    long[] mask = new long[(vocabulary + 63) / 64];
    switch (random.nextInt(4)) {
      case 0 -> mask[random.nextInt(mask.length - 1)] = 1L << 5 | 1L << 60;
      case 1 -> {
        for (int i = 0; i < mask.length; i++) {
          mask[i] = random.nextLong();
          mask[i] &= random.nextLong();
        }
      }
      case 2 -> Arrays.fill(mask, -1);
      default -> {
        return shared;
      }
    }
    return mask;
  }
}
