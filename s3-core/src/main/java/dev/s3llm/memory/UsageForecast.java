package dev.s3llm.memory;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SequenceView;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Mean and variance of the blocks that the running batch will hold, over a grid of horizons.
 *
 * <p>A sequence with context c holds the blocks of c + h tokens after h steps if it is still
 * running then, and none otherwise. It is still running with probability S(g + h) / S(g), where S
 * is its predicted survival and g the number of tokens it has generated. Sequences are assumed to
 * end independently, except for a small error that all share. {@link SafetyMargin} corrects for the
 * rest.
 *
 * <p>A sequence on a canvas holds the same slots in all of the steps that it has left, and none
 * afterwards. Until its canvas is known, the slots are those of the prediction, with its spread.
 *
 * <p>Blocks that sequences share do not count: the capacity is given without them, as if they
 * stayed for ever. So the forecast is too high only for horizons at which all of their owners have
 * ended.
 *
 * <p>Each sequence's contribution is a row. A row is computed when the sequence joins and again
 * with every {@value #REFRESH}th token, or when its shared blocks change, at different times for
 * different sequences, so that the work of a plan is small and even; the row of a canvas is
 * computed for each plan. The sums are computed over all rows each time. So a forecast depends on
 * the sequences alone, not on the number of calls. Not thread-safe.
 */
final class UsageForecast {
  /** The horizons: numbers of steps ahead. */
  private static final int[] HORIZONS = {
    0, 4, 8, 16, 24, 32, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1024, 1536,
    2048, 3072, 4096, 8192, 16384
  };

  private static final int COUNT = HORIZONS.length;

  /** Tokens that a sequence generates until its row is computed again. */
  static final int REFRESH = 16;

  /** Tokens that a row is ahead when it is computed: half of the above, so that the mean is 0. */
  private static final int LEAD = REFRESH / 2;

  /** Survival below which the prediction is taken to have been too short. */
  private static final double ALMOST_SURELY_OVER = 1e-6;

  /** Standard deviations of a normal distribution between its first and its ninth decile. */
  private static final double DEVIATIONS_BETWEEN_DECILES = 2.563;

  /** Deviation by errors that all sequences share, such as a burst of longer answers, over mean. */
  private static final double CORRELATED = 0.02;

  private final List<SequenceView> members = new ArrayList<>();
  private double[] rows = new double[2 * COUNT * 16];

  /** Shared blocks of the members when their rows were computed. */
  private int[] shared = new int[16];

  private final double[] sums = new double[2 * COUNT];
  private final double[] candidate = new double[2 * COUNT];
  private int blockTokens = 1;

  /** Updates the batch: removes rows of sequences that left, and adds rows of new ones. */
  void update(List<? extends SequenceView> running, int tokensInBlock) {
    blockTokens = tokensInBlock;
    int kept = 0;
    int next = 0;
    for (int i = 0; i < members.size() && next < running.size(); i++) {
      if (members.get(i) == running.get(next)) {
        moveRow(i, kept++);
        next++;
      }
    }
    members.subList(kept, members.size()).clear();
    for (int i = kept; i < running.size(); i++) {
      append(running.get(i));
    }
    refreshSome();
    sum();
  }

  private void moveRow(int from, int to) {
    if (from != to) {
      members.set(to, members.get(from));
      System.arraycopy(rows, from * 2 * COUNT, rows, to * 2 * COUNT, 2 * COUNT);
      shared[to] = shared[from];
    }
  }

  private void append(SequenceView sequence) {
    int index = members.size();
    if ((index + 1) * 2 * COUNT > rows.length) {
      rows = Arrays.copyOf(rows, 2 * rows.length);
      shared = Arrays.copyOf(shared, 2 * shared.length);
    }
    members.add(sequence);
    fillRow(index);
  }

  private void fillRow(int index) {
    SequenceView member = members.get(index);
    shared[index] = member.sharedBlocks();
    fill(member, LEAD, rows, index * 2 * COUNT);
  }

  private void refreshSome() {
    for (int i = 0; i < members.size(); i++) {
      SequenceView member = members.get(i);
      if ((member.generatedTokens() + member.sequenceId()) % REFRESH == 0
          || member.canvas()
          || member.sharedBlocks() != shared[i]) {
        fillRow(i);
      }
    }
  }

  private void sum() {
    Arrays.fill(sums, 0);
    int end = members.size() * 2 * COUNT;
    for (int row = 0; row < end; row += 2 * COUNT) {
      for (int j = 0; j < 2 * COUNT; j++) {
        sums[j] += rows[row + j];
      }
    }
  }

  /** Returns whether each sequence has a single predicted length and has not reached it. */
  boolean exact() {
    for (SequenceView member : members) {
      if (!exact(member)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Returns whether a sequence has a known canvas, or a single predicted length not yet reached.
   */
  static boolean exact(SequenceView sequence) {
    LengthPrediction prediction = sequence.prediction();
    int longest = prediction.maxTokens();
    if (canvasKnown(sequence)) {
      return true;
    }
    return sequence.generatedTokens() < longest && prediction.survival(longest - 1) == 1;
  }

  /** Returns the means at each horizon, then the variances at each horizon. */
  double[] sums() {
    return sums.clone();
  }

  /**
   * Returns one standard deviation of the batch's use, in blocks, at the horizon at which the mean
   * plus the margin is highest.
   *
   * @param z margin in standard deviations
   */
  double deviationAtPeak(double z) {
    double peak = -1;
    double deviation = 0;
    for (int j = 0; j < COUNT; j++) {
      double here = deviation(sums[j], sums[COUNT + j]);
      double use = sums[j] + z * here;
      if (use > peak) {
        peak = use;
        deviation = here;
      }
    }
    return deviation;
  }

  private static double deviation(double mean, double variance) {
    double together = CORRELATED * mean;
    return Math.sqrt(variance + together * together);
  }

  /** Returns whether the batch with one more sequence fits, with a margin of z deviations. */
  boolean fits(SequenceView sequence, double capacityBlocks, double z) {
    fill(sequence, 0, candidate, 0);
    for (int j = 0; j < COUNT; j++) {
      double mean = sums[j] + candidate[j];
      double variance = sums[COUNT + j] + candidate[COUNT + j];
      if (mean + z * deviation(mean, variance) > capacityBlocks) {
        return false;
      }
    }
    return true;
  }

  /** Counts a sequence as part of the batch, until the next update. */
  void join(SequenceView sequence) {
    fill(sequence, 0, candidate, 0);
    for (int j = 0; j < 2 * COUNT; j++) {
      sums[j] += candidate[j];
    }
  }

  /** Computes the row of a sequence as it will be after {@code lead} more tokens. */
  private void fill(SequenceView sequence, int lead, double[] into, int offset) {
    if (sequence.canvas()) {
      fillCanvas(sequence, into, offset);
      return;
    }
    LengthPrediction prediction = sequence.prediction();
    int generated = sequence.generatedTokens() + lead;
    int limit = sequence.maxNewTokens() - generated;
    double alive = prediction.survival(generated);
    int others = sequence.sharedBlocks();
    for (int j = 0; j < COUNT; j++) {
      int ahead = HORIZONS[j];
      double survival;
      if (ahead >= limit && ahead > 0) {
        survival = 0;
      } else if (alive > ALMOST_SURELY_OVER) {
        survival = prediction.survival(generated + ahead) / alive;
      } else { // longer than predicted: assume that it ends within as many tokens again
        survival = Math.max(0, 1 - (double) ahead / Math.max(1, generated));
      }
      double blocks =
          Math.floor((sequence.contextTokens() + lead + ahead - 1.0) / blockTokens) + 1 - others;
      into[offset + j] = blocks * survival;
      into[offset + COUNT + j] = blocks * blocks * survival * (1 - survival);
    }
  }

  private static boolean canvasKnown(SequenceView sequence) {
    return sequence.canvas() && sequence.slotsNeeded() > sequence.promptTokens();
  }

  private void fillCanvas(SequenceView sequence, double[] into, int offset) {
    double slots = sequence.slotsNeeded();
    double variance = 0;
    if (!canvasKnown(sequence)) {
      LengthPrediction prediction = sequence.prediction();
      slots = sequence.promptTokens() + prediction.mean();
      double spread = prediction.quantile(0.9) - prediction.quantile(0.1);
      double deviation = spread / DEVIATIONS_BETWEEN_DECILES / blockTokens;
      variance = deviation * deviation;
    }
    double blocks = Math.max(Math.ceil(slots / blockTokens), sequence.reservedBlocks());
    double left = sequence.stepsLeft();
    for (int j = 0; j < COUNT; j++) {
      boolean held = HORIZONS[j] < left;
      into[offset + j] = held ? blocks : 0;
      into[offset + COUNT + j] = held ? variance : 0;
    }
  }
}
