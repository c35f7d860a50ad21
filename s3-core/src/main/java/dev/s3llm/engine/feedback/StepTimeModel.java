package dev.s3llm.engine.feedback;

/**
 * Learns how long steps take, online: {@code a + b decodes + c prefilled tokens + d KV tokens}, by
 * recursive least squares that forgets ({@link #MEMORY} steps), so that it follows a GPU whose
 * clock or load changes. A step far from what was expected (a pause of the JVM, a page fault)
 * counts as a few typical errors at most. Predictions never fall as tokens are added: a negative
 * coefficient counts as zero.
 *
 * <p>Not thread-safe; deterministic.
 */
public final class StepTimeModel {
  /** Steps after which an observation's weight has fallen to 1/e. */
  private static final double MEMORY = 500;

  private static final double FORGETTING = 1 - 1 / MEMORY;

  /** Steps before which predictions mean little. */
  private static final int SOME = 16;

  /** Errors beyond this many typical ones are cut. */
  private static final double OUTLIER = 4;

  /** Brings the inputs to similar sizes. */
  private static final double[] SCALES = {1, 1 / 64.0, 1 / 256.0, 1 / 65_536.0};

  private static final int SIZE = SCALES.length;
  private static final double NANOS_PER_MILLI = 1e6;
  private static final double DOUBT = 1e4;

  /** Grows without bound in directions that steps never take, unless it is held. */
  private static final double MOST_DOUBT = 1e6;

  private final double[] coefficients = new double[SIZE];
  private final double[][] covariance = new double[SIZE][SIZE];
  private double typicalError;
  private long observed;

  public StepTimeModel() {
    for (int i = 0; i < SIZE; i++) {
      covariance[i][i] = DOUBT;
    }
  }

  /** Whether enough steps were seen. */
  public boolean ready() {
    return observed >= SOME;
  }

  /** Learns from a step. */
  public void observe(int decodes, int prefilled, long kvTokens, long nanos) {
    double[] x = inputs(decodes, prefilled, kvTokens);
    double error = nanos / NANOS_PER_MILLI - dot(coefficients, x);
    if (ready()) {
      double most = OUTLIER * typicalError;
      error = Math.max(-most, Math.min(most, error));
    }
    typicalError +=
        (Math.abs(error) * (ready() ? 1.05 : 1) - typicalError) / Math.min(observed + 1, 50);
    observed++;
    learn(x, error);
  }

  private void learn(double[] x, double error) {
    double[] gain = new double[SIZE];
    for (int i = 0; i < SIZE; i++) {
      gain[i] = dot(covariance[i], x);
    }
    double scale = FORGETTING + dot(gain, x);
    for (int i = 0; i < SIZE; i++) {
      coefficients[i] += gain[i] / scale * error;
    }
    for (int i = 0; i < SIZE; i++) {
      for (int j = 0; j < SIZE; j++) {
        covariance[i][j] = (covariance[i][j] - gain[i] * gain[j] / scale) / FORGETTING;
      }
    }
    holdDoubt();
  }

  private void holdDoubt() {
    for (int i = 0; i < SIZE; i++) {
      if (covariance[i][i] > MOST_DOUBT) {
        double shrink = Math.sqrt(MOST_DOUBT / covariance[i][i]);
        for (int j = 0; j < SIZE; j++) {
          covariance[i][j] *= shrink;
          covariance[j][i] *= shrink;
        }
      }
    }
  }

  /** How long a step should take. */
  public double nanos(int decodes, int prefilled, long kvTokens) {
    double[] x = inputs(decodes, prefilled, kvTokens);
    double millis = coefficients[0];
    for (int i = 1; i < SIZE; i++) {
      millis += Math.max(0, coefficients[i]) * x[i];
    }
    return Math.max(0, millis) * NANOS_PER_MILLI;
  }

  private static double[] inputs(int decodes, int prefilled, long kvTokens) {
    return new double[] {
      SCALES[0], SCALES[1] * decodes, SCALES[2] * prefilled, SCALES[3] * kvTokens
    };
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < SIZE; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
