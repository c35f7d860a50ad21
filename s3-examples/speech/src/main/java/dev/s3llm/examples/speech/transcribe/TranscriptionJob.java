package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.Generation;
import java.util.concurrent.CompletableFuture;

/** A transcription that was submitted. Thread-safe. */
public final class TranscriptionJob {
  private final Generation generation;
  private final CompletableFuture<Transcription> result;

  TranscriptionJob(Generation generation, CompletableFuture<Transcription> result) {
    this.generation = generation;
    this.result = result;
  }

  /**
   * Returns a future of the text. It fails with a {@link TranscriptionFailedException} if the
   * request ends without one, or with the exception with which the engine refused the request. The
   * future is a copy: completing or cancelling it has no effect on the transcription.
   */
  public CompletableFuture<Transcription> result() {
    return result.copy();
  }

  /** Cancels the transcription. Does nothing if it has ended. */
  public void cancel() {
    generation.cancel();
  }
}
