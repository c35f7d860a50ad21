package dev.s3llm.engine.record;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.observe.Explanation;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;
import org.jspecify.annotations.Nullable;

/** The Flight Recorder event of a request that ended. */
@Name("dev.s3llm.Request")
@Label("Request")
@Category({"S3 for Java"})
@Description("A request that ended, and why it took as long as it did")
@StackTrace(false)
public final class RequestRecording extends Event {
  @Label("Request")
  @Nullable String requestId;

  @Label("Finish Reason")
  @Nullable String finishReason;

  @Label("Prompt Tokens")
  int promptTokens;

  @Label("Cached Tokens")
  @Description("Tokens of the prompt whose KV an earlier request had computed")
  int cachedTokens;

  @Label("Output Tokens")
  int outputTokens;

  @Label("Predicted Tokens")
  int predictedTokens;

  @Label("Reserved Tokens")
  int reservedTokens;

  @Label("Preemptions")
  int preemptions;

  @Label("Queued")
  @Timespan(Timespan.NANOSECONDS)
  long queued;

  @Label("Time to First Token")
  @Timespan(Timespan.NANOSECONDS)
  long timeToFirstToken;

  @Label("Total")
  @Timespan(Timespan.NANOSECONDS)
  long total;

  @Label("Explanation")
  @Nullable String explanation;

  /**
   * Records the end of a request if a recording is active.
   *
   * @param sequence the sequence that ended
   * @param outcome how it ended
   */
  public static void commit(Sequence sequence, SequenceOutcome outcome) {
    RequestRecording event = new RequestRecording();
    if (!event.shouldCommit()) {
      return;
    }
    Explanation explained = outcome.explanation();
    event.requestId = sequence.requestId();
    event.finishReason = outcome.reason().name();
    event.promptTokens = sequence.promptTokens();
    event.cachedTokens = sequence.cachedTokens();
    event.outputTokens = sequence.committedTokens();
    event.predictedTokens = explained.predictedTokens();
    event.reservedTokens = explained.reservedTokens();
    event.preemptions = outcome.preemptions();
    event.queued = outcome.timing().queuedNanos();
    event.timeToFirstToken = Math.max(0, outcome.timing().firstTokenNanos());
    event.total = outcome.timing().totalNanos();
    event.explanation = explained.summary();
    event.commit();
  }
}
