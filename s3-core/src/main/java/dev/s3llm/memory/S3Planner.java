package dev.s3llm.memory;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.support.Settings;

/**
 * Reserves the prompt and the upper edge of the predicted bucket (S3, NeurIPS 2023, section 3). The
 * output limit is cut into equal buckets, ten in the paper, and the most probable bucket is the
 * prediction. A sequence that outgrows its reservation gets room for at least twice the output, as
 * far as the output limit allows.
 *
 * <p>Immutable and thread-safe.
 */
public final class S3Planner extends ReservingPlanner {
  private static final double TOLERANCE = 1e-9;

  private final int buckets;

  /** Creates the planner with the paper's ten buckets. */
  public S3Planner() {
    this(10);
  }

  /**
   * Creates the planner.
   *
   * @param buckets number of equal parts that the output limit is cut into, at least 1
   * @throws IllegalArgumentException if the number is below 1
   */
  public S3Planner(int buckets) {
    super("s3", "prompt and predicted bucket");
    this.buckets = (int) Settings.requireAtLeast("buckets", buckets, 1);
  }

  /**
   * Returns the upper edge of the most probable bucket that is still possible after the generated
   * tokens; if the prediction leaves none possible, twice the generated tokens.
   */
  @Override
  int expectedOutput(SequenceView sequence) {
    LengthPrediction prediction = sequence.prediction();
    int limit = sequence.maxNewTokens();
    int generated = sequence.generatedTokens();
    int best = 0;
    double bestMass = TOLERANCE;
    for (int i = 0; i < buckets; i++) {
      int upper = edge(limit, i + 1);
      int lower = Math.max(generated, edge(limit, i));
      double mass = prediction.survival(lower) - prediction.survival(upper);
      if (upper > generated && mass > bestMass) {
        best = upper;
        bestMass = mass;
      }
    }
    return best > 0 ? best : (int) Math.min(limit, 2L * Math.max(1, generated));
  }

  private int edge(int limit, int bucket) {
    return (int) (((long) limit * bucket + buckets - 1) / buckets);
  }
}
