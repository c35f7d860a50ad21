package dev.s3llm.observe;

import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.recover.PreemptionMode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** An event of the engine, with the reason if there was a choice. Events are immutable. */
public sealed interface EngineEvent {

  /** Returns the time of the event, in nanoseconds of the engine's clock. */
  long nanos();

  /**
   * What a request asks for, and what was predicted for it. Immutable.
   *
   * @param arrivalNanos time of its submission, in nanoseconds of the engine's clock
   * @param promptTokens length of its prompt in tokens; an input counts with its slots
   * @param maxNewTokens output limit in tokens
   * @param priority priority among the requests of its tenant
   * @param deadlineNanos nanoseconds from submission to the timeout; {@link Long#MAX_VALUE} for
   *     never
   * @param tenant name of its tenant; empty if it has none
   * @param predictedTokens median of its first prediction in tokens, which no part of the answer
   *     has changed; 0 before there is one
   * @param promptBlocks a hash for each {@value #BLOCK_TOKENS} tokens of the prompt, of which the
   *     last may be fewer. Equal hashes mean that two prompts are equal up to there. Empty if the
   *     engine does not look for shared prefixes
   */
  record Request(
      long arrivalNanos,
      int promptTokens,
      int maxNewTokens,
      int priority,
      long deadlineNanos,
      String tenant,
      int predictedTokens,
      List<Long> promptBlocks) {

    /** Tokens of a prompt for each of {@link #promptBlocks}, {@value}. */
    public static final int BLOCK_TOKENS = 512;

    /** Copies the list. */
    public Request {
      promptBlocks = List.copyOf(promptBlocks);
    }
  }

  /**
   * A request was refused when it was submitted. Published on the thread of the caller. A request
   * that is refused because its first token would come too late is accepted first, and has the
   * events of a request that failed.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param requestId the request's id
   * @param reason why it was refused
   * @param request what the request asked for
   */
  record Refused(
      long nanos, String requestId, RequestRefusedException.Reason reason, Request request)
      implements EngineEvent {}

  /**
   * A request has got its prediction and waits for memory. Published once for each request.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param requestId the request's id
   * @param prediction the prediction that planners use
   * @param fallback whether the prediction comes from the engine's fallback, because the predictor
   *     failed or was late
   * @param request what the request asks for
   */
  record Queued(
      long nanos, String requestId, LengthPrediction prediction, boolean fallback, Request request)
      implements EngineEvent {}

  /**
   * A request was admitted, for the first time or after a preemption.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param requestId the request's id
   * @param reservedBlocks KV blocks of its reservation
   * @param restoredTokens tokens whose KV is copied back from host memory; 0 if none
   * @param reason the planner's reason
   */
  record Admitted(
      long nanos, String requestId, int reservedBlocks, int restoredTokens, String reason)
      implements EngineEvent {}

  /**
   * The next request in order was not admitted for lack of memory. Published when another request
   * is deferred than at the plan before, not for each plan.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param requestId the request's id
   * @param neededBlocks KV blocks that would have to be available
   * @param availableBlocks KV blocks that are available
   * @param reason the planner's reason
   */
  record Deferred(
      long nanos, String requestId, int neededBlocks, int availableBlocks, String reason)
      implements EngineEvent {}

  /**
   * The reservation of a running request was enlarged in place.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param requestId the request's id
   * @param reservedBlocks KV blocks of its new reservation
   * @param reason the planner's reason
   */
  record Grown(long nanos, String requestId, int reservedBlocks, String reason)
      implements EngineEvent {}

  /**
   * A running request was preempted: it lost its blocks and waits again.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param requestId the preempted request's id
   * @param mode whether its KV is copied to host memory or dropped
   * @param kvTokens tokens whose KV was taken from the device
   * @param outgrownRequestId id of the request that needed more blocks; may be the same request
   * @param reason the planner's reason not to enlarge that request's reservation
   */
  record Preempted(
      long nanos,
      String requestId,
      PreemptionMode mode,
      int kvTokens,
      String outgrownRequestId,
      String reason)
      implements EngineEvent {}

  /**
   * A request ended.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param requestId the request's id
   * @param reason how it ended
   * @param outputTokens number of tokens generated
   * @param thinkingTokens how many of them were thinking, with its markers; 0 for a request that
   *     does not say how its output divides
   * @param prediction the latest prediction; null if the request ended before it had one
   * @param firstTokenNanos nanoseconds from submission to the first token; -1 if there was none
   * @param request what the request asked for
   */
  record Ended(
      long nanos,
      String requestId,
      FinishReason reason,
      int outputTokens,
      int thinkingTokens,
      @Nullable LengthPrediction prediction,
      long firstTokenNanos,
      Request request)
      implements EngineEvent {

    /**
     * Creates the event of a request without thinking.
     *
     * @param nanos time of the event, in nanoseconds of the engine's clock
     * @param requestId the request's id
     * @param reason how it ended
     * @param outputTokens number of tokens generated
     * @param prediction the latest prediction; null if the request ended before it had one
     * @param firstTokenNanos nanoseconds from submission to the first token; -1 if there was none
     * @param request what the request asked for
     */
    public Ended(
        long nanos,
        String requestId,
        FinishReason reason,
        int outputTokens,
        @Nullable LengthPrediction prediction,
        long firstTokenNanos,
        Request request) {
      this(nanos, requestId, reason, outputTokens, 0, prediction, firstTokenNanos, request);
    }
  }

  /**
   * A step completed.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param step number of the step, from 0
   * @param sequences number of sequences in it
   * @param newTokens tokens that the model processed, prefill and decode together
   * @param durationNanos nanoseconds from launch to completion
   */
  record StepCompleted(long nanos, long step, int sequences, int newTokens, long durationNanos)
      implements EngineEvent {}

  /**
   * A step failed, and with it the requests in it.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param step number of the step, from 0
   * @param cause the failure
   */
  record StepFailed(long nanos, long step, Throwable cause) implements EngineEvent {}

  /**
   * The quality of predictions has become worse, or good again. Predictions drift if too few recent
   * answers stay within their predicted 90th percentile, or if the recent error is well above the
   * usual one. Only answers that ended with a stop token count.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param drifting whether predictions drift now
   * @param recentCoverage share of answers within their predicted 90th percentile, over about the
   *     last 200 answers
   * @param recentError mean absolute error of the predicted median over the same answers, in tokens
   */
  record PredictionDrift(long nanos, boolean drifting, double recentCoverage, double recentError)
      implements EngineEvent {}

  /**
   * The engine had work to do and made no progress for as long as the watchdog allows.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param reason what makes no progress, with the name and stack of the stuck thread if known
   */
  record EngineStuck(long nanos, String reason) implements EngineEvent {}

  /**
   * The engine makes progress again.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   */
  record EngineRecovered(long nanos) implements EngineEvent {}

  /**
   * The executor or the engine's loop is lost for good; every live request fails.
   *
   * @param nanos time of the event, in nanoseconds of the engine's clock
   * @param cause the failure
   */
  record EngineLost(long nanos, Throwable cause) implements EngineEvent {}
}
