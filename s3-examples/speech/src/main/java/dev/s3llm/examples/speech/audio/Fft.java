package dev.s3llm.examples.speech.audio;

/** A complex Fourier transform of a fixed size, radix 2, in place, in 64-bit floats. Immutable. */
final class Fft {
  private final int size;
  private final int[] reversed;
  private final double[] cosine;
  private final double[] sine;

  /** Creates a transform of {@code size} numbers, a power of two from 2 to 2^20. */
  Fft(int size) {
    if (size < 2 || size > 1 << 20 || Integer.bitCount(size) != 1) {
      throw new IllegalArgumentException("size " + size + " is no power of two from 2 to 2^20");
    }
    this.size = size;
    int bits = Integer.numberOfTrailingZeros(size);
    reversed = new int[size];
    cosine = new double[size / 2];
    sine = new double[size / 2];
    for (int i = 0; i < size; i++) {
      reversed[i] = Integer.reverse(i) >>> (32 - bits);
    }
    for (int i = 0; i < size / 2; i++) {
      cosine[i] = Math.cos(2 * Math.PI * i / size);
      sine[i] = -Math.sin(2 * Math.PI * i / size);
    }
  }

  /** Replaces the numbers by their transform; both arrays have {@code size} elements. */
  void transform(double[] real, double[] imaginary) {
    for (int i = 0; i < size; i++) {
      int j = reversed[i];
      if (j > i) {
        swap(real, i, j);
        swap(imaginary, i, j);
      }
    }
    for (int half = 1; half < size; half *= 2) {
      int stride = size / (2 * half);
      for (int start = 0; start < size; start += 2 * half) {
        for (int i = 0; i < half; i++) {
          butterfly(real, imaginary, start + i, start + i + half, i * stride);
        }
      }
    }
  }

  private void butterfly(double[] real, double[] imaginary, int low, int high, int turn) {
    double re = real[high] * cosine[turn] - imaginary[high] * sine[turn];
    double im = real[high] * sine[turn] + imaginary[high] * cosine[turn];
    real[high] = real[low] - re;
    imaginary[high] = imaginary[low] - im;
    real[low] += re;
    imaginary[low] += im;
  }

  private static void swap(double[] values, int i, int j) {
    double value = values[i];
    values[i] = values[j];
    values[j] = value;
  }
}
