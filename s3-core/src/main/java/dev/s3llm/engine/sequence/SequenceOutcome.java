package dev.s3llm.engine.sequence;

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
 * @param timing how long it took
 * @param explanation why it took that long
 */
public record SequenceOutcome(
    FinishReason reason,
    @Nullable Failure failure,
    @Nullable LengthPrediction prediction,
    int reservedTokens,
    int preemptions,
    Timing timing,
    Explanation explanation) {

  /**
   * How long it took, in nanoseconds from its submission.
   *
   * @param queuedNanos to the first admission, or to the end without one
   * @param firstTokenNanos to the first token; -1 without one
   * @param totalNanos to the end
   */
  public record Timing(long queuedNanos, long firstTokenNanos, long totalNanos) {}

  /**
   * Returns the outcome of a sequence that was failed without its loop, which alone knows the rest.
   *
   * @param failure why it failed
   * @param totalNanos from its submission
   */
  public static SequenceOutcome abandoned(Failure failure, long totalNanos) {
    Explanation unknown = new Explanation(0, 0, 0, 0, List.of(), List.of(), 0);
    Timing timing = new Timing(totalNanos, -1, totalNanos);
    return new SequenceOutcome(FinishReason.FAILED, failure, null, 0, 0, timing, unknown);
  }
}
