package dev.s3llm.simulate;

/**
 * One request of a trace.
 *
 * @param arrivalNanos when it came, from the trace's start
 * @param promptTokens length of the prompt
 * @param outputTokens length that the answer had
 * @param predictedTokens a prediction of that length; 0 if the trace has none
 * @param tenant on whose behalf it ran; empty if the trace has none
 */
public record TraceRequest(
    long arrivalNanos, int promptTokens, int outputTokens, int predictedTokens, String tenant) {

  /** A request of the unnamed tenant. */
  public TraceRequest(long arrivalNanos, int promptTokens, int outputTokens, int predictedTokens) {
    this(arrivalNanos, promptTokens, outputTokens, predictedTokens, "");
  }

  /** Validates that the counts are in range. */
  public TraceRequest {
    if (arrivalNanos < 0 || promptTokens < 1 || outputTokens < 1 || predictedTokens < 0) {
      throw new IllegalArgumentException(
          ("promptTokens and outputTokens must be at least 1, arrivalNanos and predictedTokens at"
                  + " least 0, but are %d, %d, %d, %d")
              .formatted(promptTokens, outputTokens, arrivalNanos, predictedTokens));
    }
  }

  /** The same request at another time. */
  public TraceRequest at(long nanos) {
    return new TraceRequest(nanos, promptTokens, outputTokens, predictedTokens, tenant);
  }
}
