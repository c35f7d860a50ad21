package dev.s3llm.engine.loop;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.observe.EngineSnapshot.Latency;
import dev.s3llm.observe.FinishReason;

/** The times of requests, of all or of a tenant's. Only the loop's thread uses it. */
final class RequestTimes {
  private final TimeHistogram queue = new TimeHistogram(TimeHistogram.REQUEST_BOUNDS);
  private final TimeHistogram firstToken = new TimeHistogram(TimeHistogram.REQUEST_BOUNDS);
  private final TimeHistogram perOutputToken = new TimeHistogram(TimeHistogram.TOKEN_BOUNDS);
  private final TimeHistogram total = new TimeHistogram(TimeHistogram.REQUEST_BOUNDS);

  /** Records the first admission of a request. */
  void admitted(long queuedNanos) {
    queue.record(queuedNanos);
  }

  /** Records the first token of a request. */
  void firstToken(long nanos) {
    firstToken.record(nanos);
  }

  /** Records the end of a request. */
  void ended(Sequence sequence, FinishReason reason, SequenceOutcome.Timing timing) {
    if (!sequence.startedBefore()) {
      queue.record(timing.queuedNanos());
    }
    int others = sequence.committedTokens() - 1;
    if (others > 0) {
      perOutputToken.record((timing.totalNanos() - timing.firstTokenNanos()) / others);
    }
    if (reason == FinishReason.STOP || reason == FinishReason.LENGTH) {
      total.record(timing.totalNanos());
    }
  }

  /** Returns the present counts. */
  Latency view() {
    return new Latency(queue.view(), firstToken.view(), perOutputToken.view(), total.view());
  }
}
