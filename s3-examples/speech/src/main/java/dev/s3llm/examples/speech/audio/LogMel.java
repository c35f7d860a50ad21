package dev.s3llm.examples.speech.audio;

import static java.util.Objects.requireNonNull;

/**
 * Log-mel features: natural logarithms of the energies in bands of frequency, frame by frame,
 * scaled to mean 0 and deviation 1 of the training data.
 *
 * <p>Frame {@code t} has the samples from {@code hop * t} on, under a periodic Hann window,
 * followed by zeros up to the size of the transform. The bands are triangles between points that
 * lie at equal distances on the mel scale {@code 2595 log10(1 + f / 700)}. All sums are in 64-bit
 * floats: the weak bands of a loud frame lose digits in 32 bits. Thread-safe.
 */
public final class LogMel {
  private final FeatureSettings settings;
  private final Fft fft;
  private final double[] window;
  private final int[] firstBin; // of each band
  private final double[][] weights; // of each band, from its first bin on

  /**
   * Creates the transform.
   *
   * @param settings the model's settings
   */
  public LogMel(FeatureSettings settings) {
    this.settings = requireNonNull(settings, "settings");
    fft = new Fft(settings.fftSize);
    window = new double[settings.window];
    for (int i = 0; i < window.length; i++) {
      window[i] = 0.5 - 0.5 * Math.cos(2 * Math.PI * i / window.length);
    }
    firstBin = new int[settings.bands];
    weights = new double[settings.bands][];
    createTriangles();
  }

  /**
   * Returns the number of frames.
   *
   * @param samples number of samples; at least 0
   * @return {@code 1 + (samples - window) / hop}; 1 for fewer samples than a window has
   * @throws IllegalArgumentException if {@code samples} is negative
   */
  public int frames(int samples) {
    if (samples < 0) {
      throw new IllegalArgumentException("samples " + samples + " is negative");
    }
    return 1 + (Math.max(samples, settings.window) - settings.window) / settings.hop;
  }

  /**
   * Computes the features.
   *
   * @param recording samples at the settings' rate; zeros follow samples that are fewer than a
   *     window
   * @return the features of all frames, one frame after the other
   * @throws IllegalArgumentException if the recording has another rate, or the features have more
   *     than {@code Integer.MAX_VALUE} numbers
   */
  public float[] features(Recording recording) {
    if (recording.sampleRate() != settings.sampleRate) {
      throw new IllegalArgumentException(
          "the recording has "
              + recording.sampleRate()
              + " samples a second; the features need "
              + settings.sampleRate);
    }
    float[] samples = recording.samples();
    int frames = frames(samples.length);
    float[] features = new float[Math.multiplyExact(frames, settings.bands)];
    double[] real = new double[settings.fftSize];
    double[] imaginary = new double[settings.fftSize];
    for (int t = 0; t < frames; t++) {
      spectrum(samples, t * settings.hop, real, imaginary);
      bands(real, imaginary, features, t * settings.bands);
    }
    return features;
  }

  private void spectrum(float[] samples, int start, double[] real, double[] imaginary) {
    for (int i = 0; i < real.length; i++) {
      boolean inside = i < window.length && start + i < samples.length;
      real[i] = inside ? samples[start + i] * window[i] : 0;
      imaginary[i] = 0;
    }
    fft.transform(real, imaginary);
  }

  private void bands(double[] real, double[] imaginary, float[] features, int offset) {
    for (int b = 0; b < settings.bands; b++) {
      double energy = 0;
      for (int i = 0; i < weights[b].length; i++) {
        int k = firstBin[b] + i;
        energy += weights[b][i] * (real[k] * real[k] + imaginary[k] * imaginary[k]);
      }
      double log = Math.max(Math.log(energy), settings.logFloor); // log(0) is -infinity
      features[offset + b] = (float) ((log - settings.mean[b]) / settings.deviation[b]);
    }
  }

  private void createTriangles() {
    double low = mel(settings.lowHertz);
    double step = (mel(settings.highHertz) - low) / (settings.bands + 1);
    double binHertz = (double) settings.sampleRate / settings.fftSize;
    for (int b = 0; b < settings.bands; b++) {
      double left = hertz(low + step * b);
      double middle = hertz(low + step * (b + 1));
      double right = hertz(low + step * (b + 2));
      int first = (int) Math.ceil(left / binHertz);
      int last = Math.min((int) Math.floor(right / binHertz), settings.fftSize / 2);
      firstBin[b] = first;
      weights[b] = new double[Math.max(0, last - first + 1)];
      for (int i = 0; i < weights[b].length; i++) {
        double f = (first + i) * binHertz;
        double rising = (f - left) / (middle - left);
        double falling = (right - f) / (right - middle);
        weights[b][i] = Math.max(0, Math.min(rising, falling));
      }
    }
  }

  private static double mel(double hertz) {
    return 2595 * Math.log10(1 + hertz / 700);
  }

  private static double hertz(double mel) {
    return 700 * (Math.pow(10, mel / 2595) - 1);
  }
}
