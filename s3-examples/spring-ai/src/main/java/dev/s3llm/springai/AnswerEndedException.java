package dev.s3llm.springai;

import dev.s3llm.GenerationResult;
import dev.s3llm.observe.FinishReason;

/**
 * The end of an answer before the model ended it: its deadline passed ({@link
 * FinishReason#TIMEOUT}), or it was cancelled ({@link FinishReason#CANCELLED}).
 */
public final class AnswerEndedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final FinishReason reason;

  private AnswerEndedException(String message, FinishReason reason) {
    super(message);
    this.reason = reason;
  }

  static AnswerEndedException of(GenerationResult result) {
    return new AnswerEndedException(
        "request %s %s after %d tokens"
            .formatted(
                result.id(),
                result.finishReason() == FinishReason.TIMEOUT
                    ? "exceeded its deadline (S3ChatOptions.deadline)"
                    : "was cancelled",
                result.outputTokens()),
        result.finishReason());
  }

  static AnswerEndedException interrupted(String id) {
    return new AnswerEndedException(
        "the thread that waited for request %s was interrupted; the request is cancelled"
            .formatted(id),
        FinishReason.CANCELLED);
  }

  /**
   * Returns why the answer ended.
   *
   * @return {@link FinishReason#TIMEOUT} or {@link FinishReason#CANCELLED}
   */
  public FinishReason reason() {
    return reason;
  }
}
