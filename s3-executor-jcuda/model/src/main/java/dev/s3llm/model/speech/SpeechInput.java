package dev.s3llm.model.speech;

import dev.s3llm.execute.SequenceStep;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A recording's features and how its text is decoded: the input of a request. Its slots are the
 * frames of the encoder, of which each has keys and values. Immutable if the array does not change.
 *
 * <p>Requests that share one object also share the number of passes that was chosen by load ({@link
 * Decoding#leastPasses}), for as long as the object lives. Create an input for each request; inputs
 * may share the array.
 */
public final class SpeechInput implements SequenceStep.Input {
  private final float[] features;
  private final int frames;
  private final Decoding decoding;
  private final @Nullable CanvasListener listener;

  /**
   * Creates an input.
   *
   * @param features normalised log-mel features, {@code [frame][band]}; not copied
   * @param frames number of feature frames, at least 1
   * @param decoding how the text is decoded
   * @throws IllegalArgumentException if there is no frame, the features are no whole frames, or one
   *     is not finite
   * @throws NullPointerException if an argument is null
   */
  public SpeechInput(float[] features, int frames, Decoding decoding) {
    this(checked(features, frames), frames, decoding, null);
  }

  private SpeechInput(
      float[] features, int frames, Decoding decoding, @Nullable CanvasListener listener) {
    this.features = features;
    this.frames = frames;
    this.decoding = Objects.requireNonNull(decoding, "decoding must not be null");
    this.listener = listener;
  }

  private static float[] checked(float[] features, int frames) {
    Objects.requireNonNull(features, "features must not be null");
    if (frames < 1 || features.length == 0 || features.length % frames != 0) {
      throw new IllegalArgumentException(
          "%d features are not %d frames".formatted(features.length, frames));
    }
    for (int i = 0; i < features.length; i++) {
      if (!Float.isFinite(features[i])) {
        throw new IllegalArgumentException(
            "feature %d is %s, but features must be finite numbers".formatted(i, features[i]));
      }
    }
    return features;
  }

  /**
   * Returns an input with the same features and a listener of its canvas.
   *
   * @param canvasListener receives the canvas after each pass
   * @throws NullPointerException if the listener is null
   */
  public SpeechInput withListener(CanvasListener canvasListener) {
    Objects.requireNonNull(canvasListener, "canvasListener must not be null");
    return new SpeechInput(features, frames, decoding, canvasListener);
  }

  /** Returns the features, {@code [frame][band]}; the array itself. */
  public float[] features() {
    return features;
  }

  /** Returns the number of feature frames, at least 1. */
  public int frames() {
    return frames;
  }

  /** Returns how the text is decoded. */
  public Decoding decoding() {
    return decoding;
  }

  @Nullable CanvasListener listener() {
    return listener;
  }

  @Override
  public int slots() {
    return SpeechConfig.encoderFrames(frames);
  }
}
