package dev.s3llm.examples.speech.transcribe;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;

/**
 * Estimates the number of characters of a recording from facts about its audio, with a linear
 * function that is learned online: recursive least squares, in which earlier recordings fade. The
 * square of a recording's error counts in inverse proportion to its duration. Starts with the
 * function of the training speakers.
 *
 * <p>Thread-safe.
 */
public final class LengthEstimator {
  /** Share of its weight that a recording keeps when another follows: a memory of 500. */
  private static final double RETAIN = 1 - 1.0 / 500;

  /** Weight of the function at the start, as a number of recordings. */
  private static final double START_WEIGHT = 50;

  /** Facts about a usual recording: a constant, its seconds, its flux. */
  private static final double[] USUAL = {1, 2.7, 45};

  private final String name;
  private final Function<Features, double[]> facts;
  private final double[] factors;
  private final double[][] inverse;
  private final ReentrantLock lock = new ReentrantLock();

  private LengthEstimator(String name, Function<Features, double[]> facts, double... start) {
    this.name = name;
    this.facts = facts;
    factors = start;
    inverse = new double[start.length][start.length];
    for (int i = 0; i < start.length; i++) {
      inverse[i][i] = variance(USUAL[1]) / (START_WEIGHT * USUAL[i] * USUAL[i]);
    }
  }

  /** Returns the square of the error that is expected of a recording, up to a factor. */
  private static double variance(double seconds) {
    return 0.5 + seconds;
  }

  /** Returns an estimator that knows the duration of the recording alone. */
  public static LengthEstimator duration() {
    return new LengthEstimator("duration", f -> new double[] {1, f.seconds()}, 0.3, 7.24);
  }

  /** Returns an estimator that knows the duration, and how much the spectrum rises. */
  public static LengthEstimator flux() {
    return new LengthEstimator(
        "flux", f -> new double[] {1, f.seconds(), SpectralFlux.of(f)}, 0.43, -2.73, 0.697);
  }

  /** Returns the name, for tables. */
  public String name() {
    return name;
  }

  /** Returns the facts about a recording that the estimate depends on. */
  double[] facts(Features features) {
    return facts.apply(features);
  }

  /**
   * Estimates the number of characters.
   *
   * @param known the facts about the recording
   * @return 0 or more
   */
  double characters(double[] known) {
    lock.lock();
    try {
      return Math.max(0, dot(factors, known));
    } finally {
      lock.unlock();
    }
  }

  /**
   * Learns from a recording that was transcribed.
   *
   * @param known the facts about the recording
   * @param seconds its duration
   * @param characters its number of characters
   */
  void learn(double[] known, double seconds, int characters) {
    lock.lock();
    try {
      double[] gain = new double[known.length];
      for (int i = 0; i < known.length; i++) {
        gain[i] = dot(inverse[i], known);
      }
      double scale = RETAIN * variance(seconds) + dot(gain, known);
      double error = characters - dot(factors, known);
      for (int i = 0; i < known.length; i++) {
        factors[i] += gain[i] / scale * error;
        for (int j = 0; j < known.length; j++) {
          inverse[i][j] = (inverse[i][j] - gain[i] * gain[j] / scale) / RETAIN;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
