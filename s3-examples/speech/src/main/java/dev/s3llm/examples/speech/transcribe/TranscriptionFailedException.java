package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.observe.FinishReason;
import org.jspecify.annotations.Nullable;

/** Thrown when a transcription that was submitted ends without a text. */
public final class TranscriptionFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final FinishReason reason;

  /**
   * Creates the exception.
   *
   * @param reason how the request ended
   * @param cause what failed; null if the request was cancelled or timed out
   */
  public TranscriptionFailedException(FinishReason reason, @Nullable Throwable cause) {
    super(message(reason, cause), cause);
    this.reason = reason;
  }

  private static String message(FinishReason reason, @Nullable Throwable cause) {
    String what =
        switch (reason) {
          case CANCELLED -> "the transcription was cancelled";
          case TIMEOUT -> "the deadline of the transcription passed";
          default -> "the transcription failed";
        };
    return cause == null ? what : what + ": " + cause.getMessage();
  }

  /** Returns how the request ended: cancelled, timed out or failed. */
  public FinishReason reason() {
    return reason;
  }
}
