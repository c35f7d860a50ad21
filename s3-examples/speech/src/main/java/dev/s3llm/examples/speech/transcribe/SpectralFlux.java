package dev.s3llm.examples.speech.transcribe;

import java.util.Arrays;

/**
 * How much the spectrum of a recording rises while there is speech: for each frame the sum, over
 * the bands, of what its log-mel features have more than those two frames before; summed over all
 * frames that are louder than a level between the recording's quiet and loud frames, and divided by
 * the number of bands. It grows with each sound that begins, and is known before the encoder runs.
 */
final class SpectralFlux {
  /** Distance of the frames that are compared. */
  private static final int DISTANCE = 2;

  /** Share of the distance from quiet to loud frames at which speech begins. */
  private static final double LEVEL = 0.3;

  /** The same at least, in deviations of the training data, so that even noise has no speech. */
  private static final double LEAST_RISE = 0.35;

  private SpectralFlux() {}

  /** Returns the flux of a recording, 0 or more. */
  static double of(Features features) {
    double[] loudness = loudness(features);
    double level = level(loudness);
    double sum = 0;
    for (int t = DISTANCE; t < loudness.length; t++) {
      if (loudness[t] >= level) {
        sum += rise(features, t);
      }
    }
    return sum / features.bands();
  }

  private static double rise(Features features, int frame) {
    int bands = features.bands();
    double sum = 0;
    for (int i = frame * bands; i < (frame + 1) * bands; i++) {
      sum += Math.max(0, features.numbers()[i] - features.numbers()[i - DISTANCE * bands]);
    }
    return sum;
  }

  private static double[] loudness(Features features) {
    double[] loudness = new double[features.frames()];
    for (int t = 0; t < loudness.length; t++) {
      double sum = 0;
      for (int b = 0; b < features.bands(); b++) {
        sum += features.numbers()[t * features.bands() + b];
      }
      loudness[t] = sum / features.bands();
    }
    return loudness;
  }

  private static double level(double[] loudness) {
    double[] sorted = loudness.clone();
    Arrays.sort(sorted);
    double quiet = sorted[sorted.length / 20];
    double loud = sorted[(sorted.length - 1) * 19 / 20];
    return quiet + Math.max(LEAST_RISE, LEVEL * (loud - quiet));
  }
}
