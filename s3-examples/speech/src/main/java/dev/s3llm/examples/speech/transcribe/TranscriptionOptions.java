package dev.s3llm.examples.speech.transcribe;

import dev.s3llm.GenerationRequest;
import dev.s3llm.model.speech.CanvasListener;
import dev.s3llm.model.speech.Decoding;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Options of one transcription. Immutable.
 *
 * @param decoding how the text is decoded; null for the transcriber's own way
 * @param listener receives the canvas after each pass; null for none
 * @param request sets more of the engine's request, such as tenant and deadline
 */
public record TranscriptionOptions(
    @Nullable Decoding decoding,
    @Nullable CanvasListener listener,
    Consumer<GenerationRequest.Builder> request) {
  /** No options. */
  public static final TranscriptionOptions NONE =
      new TranscriptionOptions(null, null, request -> {});

  /**
   * Returns these options with a way to decode.
   *
   * @param value the strategy and its number of passes
   */
  public TranscriptionOptions with(Decoding value) {
    return new TranscriptionOptions(value, listener, request);
  }

  /**
   * Returns these options with a listener.
   *
   * @param value receives the canvas after each pass
   */
  public TranscriptionOptions with(CanvasListener value) {
    return new TranscriptionOptions(decoding, value, request);
  }
}
