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
 * @param prediction the latest prediction, or null if the sequence ended before it was predicted
 * @param reservedTokens KV slots reserved at the first admission; 0 if never admitted
 * @param preemptions how often it was preempted
 * @param canvasSlots KV slots of its canvas; 0 if it decoded token by token
 * @param passes passes over its canvas, those that were lost to preemptions included
 * @param timing times of the first admission, the first token and the end
 * @param explanation what the sequence waited for, reserved and lost
 */
public record SequenceOutcome(
    FinishReason reason,
    @Nullable Failure failure,
    @Nullable LengthPrediction prediction,
    int reservedTokens,
    int preemptions,
    int canvasSlots,
    int passes,
    Timing timing,
    Explanation explanation) {

  /**
   * Times from submission, in nanoseconds.
   *
   * @param queuedNanos until the first admission, or until the end if there was none
   * @param firstTokenNanos until the first token; -1 if there was none
   * @param totalNanos until the end
   */
  public record Timing(long queuedNanos, long firstTokenNanos, long totalNanos) {}

  /**
   * Returns the outcome of a sequence that was failed without its loop. The details, which only the
   * loop knows, are zero or empty.
   *
   * @param failure why the sequence failed
   * @param totalNanos time from submission to the end
   */
  public static SequenceOutcome abandoned(Failure failure, long totalNanos) {
    Explanation unknown = new Explanation(0, 0, 0, 0, 0, List.of(), List.of(), 0);
    Timing timing = new Timing(totalNanos, -1, totalNanos);
    return new SequenceOutcome(FinishReason.FAILED, failure, null, 0, 0, 0, 0, timing, unknown);
  }
}
