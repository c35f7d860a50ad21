package dev.s3llm.engine.sequence;

import dev.s3llm.predict.LengthPrediction;
import org.jspecify.annotations.Nullable;

/**
 * The expected remaining output of a sequence. It is computed with every {@value #REFRESH}th token,
 * at different times for different sequences, and counts down in between: so a pass over a large
 * batch is cheap. The result depends on the arguments alone, not on earlier calls. Not thread-safe.
 */
final class ExpectedRemaining {
  /** Tokens that a sequence generates until the expectation is computed again. */
  private static final int REFRESH = 16;

  private @Nullable LengthPrediction prediction;
  private int computedAt = -1;
  private double tokens;

  /**
   * Returns the expected number of tokens.
   *
   * @param id the sequence's id
   * @param latest the latest prediction of the whole output length
   * @param generated tokens generated so far, 0 or more
   * @param limit the output limit in tokens
   * @return at least 1 before the limit is reached, and at most what the limit allows
   */
  @SuppressWarnings("ReferenceEquality") // an equal prediction may be computed again, not confused
  double tokens(long id, LengthPrediction latest, int generated, int limit) {
    int at = Math.max(0, generated - (int) Math.floorMod(generated + id, (long) REFRESH));
    if (at != computedAt || latest != prediction) {
      tokens = latest.expectedRemaining(at);
      computedAt = at;
      prediction = latest;
    }
    return Math.min(limit - generated, Math.max(1, tokens - (generated - at)));
  }
}
