package dev.s3llm.examples.cli.soak;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * Whether memory and threads stayed as they were: the mean of the last quarter of the samples is
 * compared with the mean of the second quarter, the first being warm-up. The slope is that of the
 * line through all samples but the first quarter.
 *
 * @param measured whether there are enough samples for a verdict
 * @param flat whether no figure grew by more than its allowance
 * @param growths how each figure moved
 */
record SoakVerdict(@JsonProperty("told") boolean measured, boolean flat, List<Growth> growths) {
  private static final int LEAST_SAMPLES = 8;
  private static final double MIB = 1 << 20;

  /**
   * How one figure moved.
   *
   * @param figure its name and unit
   * @param first its mean in the second quarter of the samples
   * @param last its mean in the last quarter
   * @param slopePerHour the slope of the line through the samples after warm-up
   * @param allowed the largest growth that counts as flat
   */
  record Growth(
      @JsonProperty("of") String figure,
      double first,
      double last,
      double slopePerHour,
      double allowed) {
    boolean flat() {
      return last - first <= allowed;
    }

    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%s %.1f to %.1f (%+.2f an hour, allowed %+.1f in all)",
          figure,
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
            growth("heap MiB", warm, s -> s.process().heapBytes() / MIB, 4, 0.05),
            growth("RSS MiB", warm, s -> s.process().residentBytes() / MIB, 32, 0.05),
            growth("threads", warm, s -> s.process().threads(), 4, 0));
    return new SoakVerdict(true, growths.stream().allMatch(Growth::flat), growths);
  }

  private static Growth growth(
      String name,
      List<SoakSample> warm,
      ToDoubleFunction<SoakSample> figure,
      double allowed,
      double allowedShare) {
    int third = warm.size() / 3;
    double first = mean(warm.subList(0, third), figure);
    double last = mean(warm.subList(warm.size() - third, warm.size()), figure);
    double slope = slope(warm, figure) * 3_600;
    return new Growth(name, first, last, slope, allowed + allowedShare * first);
  }

  private static double mean(List<SoakSample> samples, ToDoubleFunction<SoakSample> figure) {
    return samples.stream().mapToDouble(figure).average().orElse(0);
  }

  /** Returns the slope of the least-squares line, per second. */
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
