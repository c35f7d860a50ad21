package dev.s3llm.engine;

import dev.s3llm.observe.Explanation;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a sequence ended.
 *
 * @param reason why it ended
 * @param failure what failed, with {@link FinishReason#FAILED}
 * @param prediction what the planners worked with, or null if it ended before it was predicted
 * @param reservedTokens KV slots set aside at its first admission; 0 if never admitted
 * @param preemptions how often it was preempted
 * @param queuedNanos from submission to first admission, or to the end
 * @param firstTokenNanos from submission to the first token; -1 without one
 * @param totalNanos from submission to the end
 * @param explanation why it took as long
 */
public record SequenceOutcome(
    FinishReason reason,
    @Nullable Failure failure,
    @Nullable LengthPrediction prediction,
    int reservedTokens,
    int preemptions,
    long queuedNanos,
    long firstTokenNanos,
    long totalNanos,
    Explanation explanation) {

  /** The outcome of a sequence that was failed without its loop, which alone knows the rest. */
  public static SequenceOutcome abandoned(Failure failure, long totalNanos) {
    Explanation unknown = new Explanation(0, 0, 0, 0, List.of(), List.of(), 0);
    return new SequenceOutcome(
        FinishReason.FAILED, failure, null, 0, 0, totalNanos, -1, totalNanos, unknown);
  }
}
