package dev.s3llm.engine.sequence;

import dev.s3llm.observe.LatencyEstimate;
import org.jspecify.annotations.Nullable;

/** Where a sequence's output goes. Called from the loop, so it must neither block nor throw. */
public interface SequenceSink {

  /**
   * It joins the queue.
   *
   * @param estimate what it can expect; null if nothing is known yet
   * @return why it does not want to wait that long, or null; it then ends with this cause
   */
  default @Nullable RuntimeException onQueued(@Nullable LatencyEstimate estimate) {
    return null;
  }

  /** The next token. */
  void onToken(int token);

  /** The end; called exactly once, after the last token. */
  void onEnd(SequenceOutcome outcome);
}
