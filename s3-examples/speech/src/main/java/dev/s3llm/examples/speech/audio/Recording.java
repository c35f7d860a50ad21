package dev.s3llm.examples.speech.audio;

import static java.util.Objects.requireNonNull;

/** Samples of one channel. Immutable as long as the array is not changed. */
public final class Recording {
  private final int sampleRate;
  private final float[] samples;

  /**
   * Creates a recording.
   *
   * @param sampleRate samples a second; at least 1
   * @param samples values from -1 to 1 (exclusive); not copied
   * @throws IllegalArgumentException if {@code sampleRate} is not positive
   */
  public Recording(int sampleRate, float[] samples) {
    if (sampleRate < 1) {
      throw new IllegalArgumentException("sampleRate " + sampleRate + " is not positive");
    }
    this.sampleRate = sampleRate;
    this.samples = requireNonNull(samples, "samples");
  }

  /** Returns the number of samples in a second. */
  public int sampleRate() {
    return sampleRate;
  }

  /** Returns the samples, from -1 to 1 (exclusive); not copied. */
  public float[] samples() {
    return samples;
  }

  /** Returns the length in seconds. */
  public double seconds() {
    return (double) samples.length / sampleRate;
  }
}
