package dev.s3llm.engine.sequence;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.predict.LengthQuery;

/**
 * What the loop needs to know of a request. The engine's facade has validated it, and the arrays
 * belong to the sequence.
 *
 * @param requestId the caller's id
 * @param promptTokens token ids, at least one
 * @param stopTokens token ids that end the answer, ascending
 * @param sampling how to sample
 * @param standing tenant and priority
 * @param times when it was submitted and what it must meet
 * @param query what predictors see; holds the output limit
 * @param sink receives tokens and the end
 */
@SuppressWarnings("ArrayRecordComponent") // passed on once, never compared
public record SequenceSpec(
    String requestId,
    int[] promptTokens,
    int[] stopTokens,
    SamplingParameters sampling,
    Standing standing,
    Times times,
    LengthQuery query,
    SequenceSink sink) {

  /**
   * What decides when it is the request's turn.
   *
   * @param tenant on whose behalf it runs; empty for none
   * @param priority higher goes first among the requests of the tenant
   */
  public record Standing(String tenant, int priority) {
    /** No tenant, and no priority over others. */
    public static final Standing NONE = new Standing("", 0);
  }

  /**
   * When a request was submitted and what it must meet, in nanoseconds of the engine's clock.
   *
   * @param arrivalNanos when it was submitted
   * @param deadlineNanos when it times out; {@link Long#MAX_VALUE} for never
   * @param tokenTimeNanos target for the time per output token; {@link Long#MAX_VALUE} for none
   */
  public record Times(long arrivalNanos, long deadlineNanos, long tokenTimeNanos) {

    /** Returns times without a deadline and without a target. */
    public static Times of(long arrivalNanos) {
      return new Times(arrivalNanos, Long.MAX_VALUE, Long.MAX_VALUE);
    }
  }
}
