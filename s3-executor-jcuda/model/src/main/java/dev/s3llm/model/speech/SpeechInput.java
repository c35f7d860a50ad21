package dev.s3llm.model.speech;

import dev.s3llm.execute.SequenceStep;
import java.util.Objects;

/**
 * A recording's features and how its text is decoded: the input of a request. Its slots are the
 * frames of the encoder, of which each has keys and values. Immutable if the array does not change.
 */
public final class SpeechInput implements SequenceStep.Input {
  private final float[] features;
  private final int frames;
  private final Decoding decoding;

  /**
   * Creates an input.
   *
   * @param features normalised log-mel features, {@code [frame][band]}; not copied
   * @param frames number of feature frames, at least 1
   * @param decoding how the text is decoded
   * @throws IllegalArgumentException if there is no frame, or the features are no whole frames
   * @throws NullPointerException if an argument is null
   */
  public SpeechInput(float[] features, int frames, Decoding decoding) {
    this.features = Objects.requireNonNull(features, "features must not be null");
    this.decoding = Objects.requireNonNull(decoding, "decoding must not be null");
    if (frames < 1 || features.length % frames != 0) {
      throw new IllegalArgumentException(
          "%d features are not %d frames".formatted(features.length, frames));
    }
    this.frames = frames;
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

  @Override
  public int slots() {
    return SpeechConfig.encoderFrames(frames);
  }
}
