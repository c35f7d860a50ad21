package dev.s3llm.cpu;

import dev.s3llm.model.ModelConfig.Experts;
import java.util.stream.IntStream;

/** The experts that each row goes to, with the weight of each expert's result. */
final class Routes {
  private final int experts;
  private final float[] weights;

  private Routes(int experts, float[] weights) {
    this.experts = experts;
    this.weights = weights;
  }

  /**
   * Chooses the experts with the highest logits, of equal ones those with the lower numbers.
   *
   * @param logits {@code [rows][experts]}
   */
  static Routes of(float[] logits, int rows, Experts experts) {
    float[] weights = new float[rows * experts.count()];
    for (int r = 0; r < rows; r++) {
      route(logits, r * experts.count(), experts, weights);
    }
    return new Routes(experts.count(), weights);
  }

  private static void route(float[] logits, int at, Experts experts, float[] weights) {
    int[] chosen = highest(logits, at, experts);
    double max = logits[at + chosen[0]];
    double all = 0;
    double ofChosen = 0;
    for (int e = 0; e < experts.count(); e++) {
      all += Math.exp(logits[at + e] - max);
    }
    for (int e : chosen) {
      ofChosen += Math.exp(logits[at + e] - max);
    }
    for (int e : chosen) {
      double total = experts.normalised() ? ofChosen : all;
      weights[at + e] = (float) (Math.exp(logits[at + e] - max) / total);
    }
  }

  /** Returns the numbers of the chosen experts, the highest logit first. */
  private static int[] highest(float[] logits, int at, Experts experts) {
    int[] chosen = new int[experts.perToken()];
    boolean[] taken = new boolean[experts.count()];
    for (int k = 0; k < chosen.length; k++) {
      int best = -1;
      for (int e = 0; e < taken.length; e++) {
        if (!taken[e] && (best < 0 || logits[at + e] > logits[at + best])) {
          best = e;
        }
      }
      taken[best] = true;
      chosen[k] = best;
    }
    return chosen;
  }

  /** Returns the number of rows. */
  int rows() {
    return weights.length / experts;
  }

  /** Returns the rows that go to an expert, ascending. */
  int[] rowsOf(int expert) {
    return IntStream.range(0, rows()).filter(row -> weight(row, expert) > 0).toArray();
  }

  /** Returns the weight of an expert's result for a row; 0 if the row does not go there. */
  float weight(int row, int expert) {
    return weights[row * experts + expert];
  }
}
