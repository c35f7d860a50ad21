package dev.s3llm.cpu;

import org.jspecify.annotations.Nullable;

/**
 * How a layer attends.
 *
 * @param heads number of query heads, a multiple of {@code kvHeads}
 * @param kvHeads number of heads of keys and values
 * @param headSize dimensions of a head
 * @param scale factor of the scores
 * @param window number of positions that a row sees, its own included; 0: all up to its own
 * @param softcap limit {@code c} of scores, {@code c * tanh(score / c)}; 0: none
 * @param sinks for each query head a logit that takes part in the softmax without a value; or null
 */
@SuppressWarnings("ArrayRecordComponent") // shared, never compared
record AttentionRule(
    int heads,
    int kvHeads,
    int headSize,
    float scale,
    int window,
    float softcap,
    float @Nullable [] sinks) {

  AttentionRule {
    if (kvHeads < 1 || heads < kvHeads || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "%d query heads cannot share %d heads of keys".formatted(heads, kvHeads));
    }
    if (window < 0 || !(softcap >= 0)) {
      throw new IllegalArgumentException(
          "window is %d and softcap %s, both must be at least 0".formatted(window, softcap));
    }
    if (sinks != null && sinks.length != heads) {
      throw new IllegalArgumentException(
          "%d sinks for %d query heads".formatted(sinks.length, heads));
    }
  }

  /** Returns the first position that a row at a position sees. */
  int first(int position) {
    return window == 0 ? 0 : Math.max(0, position - window + 1);
  }
}
