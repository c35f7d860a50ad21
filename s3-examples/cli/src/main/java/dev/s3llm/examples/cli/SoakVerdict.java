package dev.s3llm.examples.cli;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Whether memory and threads stayed as they were: the mean of the last quarter of the samples
 * against that of the second, the first being warm-up, and the slope of the line through all but
 * the first quarter.
 *
 * @param told false if there are too few samples to tell anything
 * @param flat whether nothing grew by more than its allowance
 */
record SoakVerdict(boolean told, boolean flat, List<Growth> growths) {
  private static final int LEAST_SAMPLES = 8;
  private static final double MIB = 1 << 20;

  /**
   * How one figure moved.
   *
   * @param slopePerHour of the line through the samples after warm-up
   * @param allowed growth that is not held against it
   */
  record Growth(String of, double first, double last, double slopePerHour, double allowed) {
    boolean flat() {
      return last - first <= allowed;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%s %.1f to %.1f (%+.2f an hour, allowed %+.1f in all)",
          of,
          first,
          last,
          slopePerHour,
          allowed);
    }
  }

  static SoakVerdict of(List<SoakSample> samples) {
    if (samples.size() < LEAST_SAMPLES) {
      return new SoakVerdict(false, true, List.of());
    }
    List<SoakSample> warm = samples.subList(samples.size() / 4, samples.size());
    List<Growth> growths =
        List.of(
            growth("heap MiB", warm, s -> s.heapBytes() / MIB, 4, 0.05),
            growth("RSS MiB", warm, s -> s.residentBytes() / MIB, 32, 0.05),
            growth("threads", warm, SoakSample::threads, 4, 0));
    return new SoakVerdict(true, growths.stream().allMatch(Growth::flat), growths);
  }

  private static Growth growth(
      String of,
      List<SoakSample> warm,
      ToDoubleFunction<SoakSample> figure,
      double allowed,
      double allowedShare) {
    int third = warm.size() / 3;
    double first = mean(warm.subList(0, third), figure);
    double last = mean(warm.subList(warm.size() - third, warm.size()), figure);
    double slope = slope(warm, figure) * 3_600;
    return new Growth(of, first, last, slope, allowed + allowedShare * first);
  }

  private static double mean(List<SoakSample> samples, ToDoubleFunction<SoakSample> figure) {
    return samples.stream().mapToDouble(figure).average().orElse(0);
  }

  /** Least squares. */
  private static double slope(List<SoakSample> samples, ToDoubleFunction<SoakSample> figure) {
    double meanSeconds = mean(samples, SoakSample::seconds);
    double mean = mean(samples, figure);
    double covariance = 0;
    double variance = 0;
    for (SoakSample sample : samples) {
      double seconds = sample.seconds() - meanSeconds;
      covariance += seconds * (figure.applyAsDouble(sample) - mean);
      variance += seconds * seconds;
    }
    return covariance / variance;
  }
}
