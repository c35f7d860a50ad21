package dev.s3llm.engine;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.predict.LengthQuery;

/**
 * What the loop needs to know of a request. Validated by the facade; the arrays are not shared.
 *
 * @param requestId the caller's id
 * @param promptTokens token ids, at least one
 * @param stopTokens token ids that end the answer, ascending
 * @param sampling how to sample
 * @param tenant on whose behalf it runs
 * @param priority higher goes first among those of the tenant
 * @param arrivalNanos when it was submitted
 * @param deadlineNanos when it times out; {@link Long#MAX_VALUE} for never
 * @param query what predictors see; holds the output limit
 * @param sink receives tokens and the end
 * @param tokenTimeNanos time per output token to keep while it runs; {@link Long#MAX_VALUE} for no
 *     limit
 */
@SuppressWarnings("ArrayRecordComponent") // handed over once, never compared
public record SequenceSpec(
    String requestId,
    int[] promptTokens,
    int[] stopTokens,
    SamplingParameters sampling,
    String tenant,
    int priority,
    long arrivalNanos,
    long deadlineNanos,
    LengthQuery query,
    SequenceSink sink,
    long tokenTimeNanos) {

  /** A request of the unnamed tenant, without a limit on the time per output token. */
  public SequenceSpec(
      String requestId,
      int[] promptTokens,
      int[] stopTokens,
      SamplingParameters sampling,
      int priority,
      long arrivalNanos,
      long deadlineNanos,
      LengthQuery query,
      SequenceSink sink) {
    this(
        requestId,
        promptTokens,
        stopTokens,
        sampling,
        "",
        priority,
        arrivalNanos,
        deadlineNanos,
        query,
        sink,
        Long.MAX_VALUE);
  }
}
