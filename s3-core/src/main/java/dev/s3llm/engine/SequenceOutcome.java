package dev.s3llm.engine;

import dev.s3llm.observe.Explanation;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import org.jspecify.annotations.Nullable;

/**
 * How a sequence ended.
 *
 * @param reason why it ended
 * @param cause what failed, if something did
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
    @Nullable Throwable cause,
    @Nullable LengthPrediction prediction,
    int reservedTokens,
    int preemptions,
    long queuedNanos,
    long firstTokenNanos,
    long totalNanos,
    Explanation explanation) {}
