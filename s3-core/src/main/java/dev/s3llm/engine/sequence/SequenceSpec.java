package dev.s3llm.engine.sequence;

import dev.s3llm.execute.SamplingParameters;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.predict.LengthQuery;
import org.jspecify.annotations.Nullable;

/**
 * A request as the loop needs it: validated, with arrays that belong to the sequence.
 *
 * @param requestId the caller's id
 * @param promptTokens token ids, at least one; at the positions of the input, which come first,
 *     {@link dev.s3llm.execute.StepResult#NO_TOKEN}
 * @param stops the tokens that end the answer
 * @param sampling the sampling parameters
 * @param standing tenant and priority
 * @param times time of submission, deadline and target
 * @param query the predictor's input; contains the output limit
 * @param sink receives tokens and the end
 * @param input the opaque input, or null
 * @param sharing who may share KV blocks with the request, and whether others follow it
 * @param output what the request says about its tokens beside how they are drawn
 */
@SuppressWarnings("ArrayRecordComponent") // passed on once, never compared
public record SequenceSpec(
    String requestId,
    int[] promptTokens,
    Stops stops,
    SamplingParameters sampling,
    Standing standing,
    Times times,
    LengthQuery query,
    SequenceSink sink,
    SequenceStep.@Nullable Input input,
    Sharing sharing,
    Output output) {

  /**
   * Creates a request of tokens alone that shares KV blocks with those of its tenant.
   *
   * @param requestId the caller's id
   * @param promptTokens token ids, at least one
   * @param stopTokens token ids that end the answer, ascending
   * @param sampling the sampling parameters
   * @param standing tenant and priority
   * @param times time of submission, deadline and target
   * @param query the predictor's input; contains the output limit
   * @param sink receives tokens and the end
   */
  public SequenceSpec(
      String requestId,
      int[] promptTokens,
      int[] stopTokens,
      SamplingParameters sampling,
      Standing standing,
      Times times,
      LengthQuery query,
      SequenceSink sink) {
    this(
        requestId,
        promptTokens,
        new Stops(stopTokens, 0),
        sampling,
        standing,
        times,
        query,
        sink,
        null,
        Sharing.within(standing.tenant()),
        Output.FREE);
  }

  /**
   * What a request says about its tokens beside how they are drawn.
   *
   * @param constraint the rule that the answer keeps, or null
   * @param shortest a lower bound of the tokens of an answer that keeps it, 0 or more
   * @param logProbabilities how many alternatives each token is reported with; -1 for no report
   * @param thinking how the output divides into thinking and answer; null if it does not think
   */
  public record Output(
      SequenceStep.@Nullable TokenConstraint constraint,
      int shortest,
      int logProbabilities,
      LengthQuery.@Nullable Thinking thinking) {
    /** No rule, no report and no thinking. */
    public static final Output FREE = new Output(null, 0, -1, null);
  }

  /**
   * Who may share KV blocks with a request, and what the caller knows about those that follow it.
   *
   * @param scope the requests that may share: all with an equal scope
   * @param expectedFollowUpNanos time from the end of the request to the next one that begins like
   *     it, in nanoseconds; 0 if it is not known
   * @param sessionEnds whether no request that begins like it follows
   */
  public record Sharing(String scope, long expectedFollowUpNanos, boolean sessionEnds) {
    /** Returns sharing among the requests with a salt, about whose sequels nothing is known. */
    public static Sharing withSalt(String salt) {
      return new Sharing("salt " + salt, 0, false);
    }

    /** Returns sharing among the requests of a tenant, about whose sequels nothing is known. */
    public static Sharing within(String tenant) {
      return new Sharing("tenant " + tenant, 0, false);
    }
  }

  /**
   * The tokens that end an answer.
   *
   * @param tokens token ids, ascending
   * @param least number of output tokens before which none of them may come, 0 or more
   */
  public record Stops(int[] tokens, int least) {
    /** No tokens. */
    public static final Stops NONE = new Stops(new int[0], 0);
  }

  /**
   * Tenant and priority of a request, which decide about its turn.
   *
   * @param tenant name of the tenant; empty for none
   * @param priority among the requests of a tenant, a higher priority goes first
   */
  public record Standing(String tenant, int priority) {
    /** No tenant and priority 0. */
    public static final Standing NONE = new Standing("", 0);
  }

  /**
   * The times of a request, in nanoseconds.
   *
   * @param arrivalNanos time of submission, by the engine's clock
   * @param deadlineNanos time of the timeout, by the engine's clock; {@link Long#MAX_VALUE} for
   *     never
   * @param tokenTimeNanos target for the time per output token; {@link Long#MAX_VALUE} for none
   * @param firstTokenNanos longest time from arrival to the first token; {@link Long#MAX_VALUE} for
   *     none
   */
  public record Times(
      long arrivalNanos, long deadlineNanos, long tokenTimeNanos, long firstTokenNanos) {

    /**
     * Creates times without a target for the first token.
     *
     * @param arrivalNanos time of submission, by the engine's clock
     * @param deadlineNanos time of the timeout, by the engine's clock; {@link Long#MAX_VALUE} for
     *     never
     * @param tokenTimeNanos target for the time per output token; {@link Long#MAX_VALUE} for none
     */
    public Times(long arrivalNanos, long deadlineNanos, long tokenTimeNanos) {
      this(arrivalNanos, deadlineNanos, tokenTimeNanos, Long.MAX_VALUE);
    }

    /** Returns times without a deadline and without a target. */
    public static Times of(long arrivalNanos) {
      return new Times(arrivalNanos, Long.MAX_VALUE, Long.MAX_VALUE);
    }
  }
}
