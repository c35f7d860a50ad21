package dev.s3llm.engine.sequence;

import dev.s3llm.observe.LatencyEstimate;
import org.jspecify.annotations.Nullable;

/**
 * The receiver of a sequence's output. The loop calls it on its own thread, so it must not block.
 * An exception is counted; one from {@link #onToken} also fails the request.
 */
public interface SequenceSink {

  /**
   * Called when the sequence joins the waiting queue for the first time.
   *
   * @param estimate the expected times; null if too few steps were observed
   * @return null to continue, or the failure with which the sequence ends at once
   */
  default @Nullable RuntimeException onQueued(@Nullable LatencyEstimate estimate) {
    return null;
  }

  /**
   * Receives the log probabilities of the next token, just before the token, if the request wants
   * them and the executor has returned them.
   *
   * @param index number of the token in the output, from 0
   * @param values the token's own value, and those of the most probable tokens
   * @param tokens the ids that the values belong to, in the same places
   * @param first index of the token's own value
   */
  default void onLogProbabilities(int index, float[] values, int[] tokens, int first) {}

  /** Receives the next token. */
  void onToken(int token);

  /** Receives the end. Called exactly once, after the last token. */
  void onEnd(SequenceOutcome outcome);
}
