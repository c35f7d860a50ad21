package dev.s3llm.engine.feedback;

/**
 * A linear model of the duration of a step, {@code a + b decodes + c prefilled tokens + d KV
 * tokens}, fitted online. The method is recursive least squares with exponential forgetting ({@link
 * #MEMORY} steps), so that the model follows a GPU whose clock or load changes. Outliers, such as a
 * pause of the JVM or a page fault, are cut to a few typical errors. Negative coefficients count as
 * zero, so that further tokens never reduce an estimate.
 *
 * <p>Not thread-safe; deterministic.
 */
public final class StepTimeModel {
  /** The number of steps after which the weight of an observation has fallen to 1/e. */
  private static final double MEMORY = 500;

  private static final double FORGETTING = 1 - 1 / MEMORY;

  /** The number of steps before which estimates are not reliable. */
  private static final int MIN_OBSERVATIONS = 16;

  /** The most an error may count, in typical errors. */
  private static final double OUTLIER = 4;

  /** Factors that bring the inputs to similar sizes. */
  private static final double[] SCALES = {1, 1 / 64.0, 1 / 256.0, 1 / 65_536.0};

  private static final int SIZE = SCALES.length;
  private static final double NANOS_PER_MILLI = 1e6;

  /** The variance of each coefficient before the first step. */
  private static final double INITIAL_VARIANCE = 1e4;

  /**
   * The largest variance: forgetting would let it grow without bound for inputs that never vary.
   */
  private static final double MAX_VARIANCE = 1e6;

  private final double[] coefficients = new double[SIZE];
  private final double[][] covariance = new double[SIZE][SIZE];
  private double typicalError;
  private long observed;

  /** Creates a model without observations. */
  public StepTimeModel() {
    for (int i = 0; i < SIZE; i++) {
      covariance[i][i] = INITIAL_VARIANCE;
    }
  }

  /** Returns whether enough steps were observed for estimates. */
  public boolean ready() {
    return observed >= MIN_OBSERVATIONS;
  }

  /**
   * Fits the model to a further step.
   *
   * @param decodes sequences that computed one token
   * @param prefilled tokens in prefill chunks
   * @param kvTokens tokens that all sequences attended to
   * @param nanos duration of the step
   */
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
    update(x, error);
  }

  private void update(double[] x, double error) {
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
    boundVariance();
  }

  private void boundVariance() {
    for (int i = 0; i < SIZE; i++) {
      if (covariance[i][i] > MAX_VARIANCE) {
        double shrink = Math.sqrt(MAX_VARIANCE / covariance[i][i]);
        for (int j = 0; j < SIZE; j++) {
          covariance[i][j] *= shrink;
          covariance[j][i] *= shrink;
        }
      }
    }
  }

  /** Returns the estimated duration of a step, in nanoseconds; see {@link #observe}. */
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
