package dev.s3llm.examples.speech.audio;

/**
 * Changes the sample rate with a sinc filter under a Kaiser window.
 *
 * <p>An output sample is the sum of the input samples around its moment, each weighed by the ideal
 * low-pass filter at their distance: {@code sinc(distance)} times the window, 64 zero crossings to
 * each side. With the window's beta of 9, tones up to 0.91 of half the lower rate pass unchanged,
 * and tones above half the lower rate are weaker by more than 75 dB. The filter comes from a table
 * with linear interpolation, so every pair of rates works. Thread-safe.
 */
public final class Resampler {
  private static final int CROSSINGS = 64;
  private static final int STEPS = 1024; // of the table, between two zero crossings
  private static final double BETA = 9.0;
  private static final double CUTOFF = 0.96;
  private static final double[] TABLE = table();

  private Resampler() {}

  /**
   * Returns a recording at another rate.
   *
   * @param recording the recording; returned as it is if it has the rate
   * @param sampleRate samples a second of the result; at least 1
   * @return the recording with {@code ceil(samples * sampleRate / rate)} samples
   * @throws IllegalArgumentException if {@code sampleRate} is not positive, or the result would
   *     have more than {@code Integer.MAX_VALUE} samples
   */
  public static Recording resample(Recording recording, int sampleRate) {
    if (recording.sampleRate() == sampleRate) {
      return recording;
    }
    if (sampleRate < 1) {
      throw new IllegalArgumentException("sampleRate " + sampleRate + " is not positive");
    }
    float[] in = recording.samples();
    long length = -Math.floorDiv(-(long) in.length * sampleRate, (long) recording.sampleRate());
    if (length > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(length + " samples are too many for one recording");
    }
    double step = (double) recording.sampleRate() / sampleRate;
    double cutoff = CUTOFF * Math.min(1.0, 1.0 / step);
    float[] out = new float[(int) length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) (cutoff * weighed(in, i * step, cutoff));
    }
    return new Recording(sampleRate, out);
  }

  private static double weighed(float[] in, double center, double cutoff) {
    double reach = CROSSINGS / cutoff;
    int from = (int) Math.max(0, Math.ceil(center - reach));
    int to = (int) Math.min(in.length - 1.0, Math.floor(center + reach));
    double sum = 0;
    for (int i = from; i <= to; i++) {
      double place = Math.abs(i - center) * cutoff * STEPS;
      int index = (int) place;
      double low = TABLE[index];
      sum += in[i] * (low + (TABLE[index + 1] - low) * (place - index));
    }
    return sum;
  }

  private static double[] table() {
    double[] table = new double[CROSSINGS * STEPS + 2];
    double whole = bessel(BETA);
    for (int i = 0; i < table.length; i++) {
      double x = (double) i / STEPS;
      double sinc = i == 0 ? 1.0 : Math.sin(Math.PI * x) / (Math.PI * x);
      double ratio = x / CROSSINGS;
      table[i] = ratio > 1 ? 0 : sinc * bessel(BETA * Math.sqrt(1 - ratio * ratio)) / whole;
    }
    return table;
  }

  /** Returns the modified Bessel function of the first kind and order 0, by its series. */
  private static double bessel(double x) {
    double sum = 1.0;
    double term = 1.0;
    for (int k = 1; term > 1e-17 * sum; k++) {
      term *= (x / (2 * k)) * (x / (2 * k));
      sum += term;
    }
    return sum;
  }
}
