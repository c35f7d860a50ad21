package dev.s3llm.engine.feedback;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.data.Offset;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class StepTimeModelTest {
  private static final int STEPS = 2_000;

  @Property(tries = 100)
  void knownCosts_areFound(
      @ForAll @DoubleRange(min = 0.1, max = 50) double fixedMillis,
      @ForAll @DoubleRange(min = 0, max = 0.2) double decodeMillis,
      @ForAll @DoubleRange(min = 0, max = 0.2) double prefillMillis,
      @ForAll @DoubleRange(min = 0, max = 10) double kvMicros,
      @ForAll @IntRange(min = 0, max = 1_000_000) int seed) {
    Steps steps = new Steps(seed, fixedMillis, decodeMillis, prefillMillis, kvMicros / 1e4);
    StepTimeModel model = new StepTimeModel();
    steps.teach(model, STEPS, 0.02);
    for (int i = 0; i < 20; i++) {
      steps.next();
      double tolerance = 0.05 * steps.nanos() + 0.01 * steps.largestNanos();
      assertThat(model.nanos(steps.decodes, steps.prefilled, steps.kvTokens))
          .isCloseTo(steps.nanos(), Offset.offset(tolerance));
    }
  }

  @Test
  void slowerGpu_isFollowed() {
    StepTimeModel model = new StepTimeModel();
    new Steps(1, 10, 0.02, 0.05, 1e-5).teach(model, STEPS, 0.02);
    Steps slower = new Steps(2, 17, 0.04, 0.09, 3e-5);
    slower.teach(model, STEPS, 0.02);
    slower.next();
    assertThat(model.nanos(slower.decodes, slower.prefilled, slower.kvTokens))
        .isCloseTo(slower.nanos(), Percentage.withPercentage(8));
  }

  @Test
  void pauses_areNotBelieved() {
    StepTimeModel model = new StepTimeModel();
    Steps steps = new Steps(3, 10, 0.02, 0.05, 1e-5);
    for (int i = 0; i < STEPS; i++) {
      steps.next();
      double pause = i % 50 == 49 ? 400e6 : 0; // forty times a step, two of a hundred
      model.observe(steps.decodes, steps.prefilled, steps.kvTokens, (long) (steps.nanos() + pause));
    }
    steps.next();
    assertThat(model.nanos(steps.decodes, steps.prefilled, steps.kvTokens))
        .isCloseTo(steps.nanos(), Percentage.withPercentage(25));
  }

  @Test
  void moreTokens_neverTakeLess() {
    StepTimeModel model = new StepTimeModel();
    Random random = new Random(4);
    for (int i = 0; i < STEPS; i++) { // noise alone: coefficients of either sign
      model.observe(
          random.nextInt(100),
          random.nextInt(500),
          random.nextInt(100_000),
          1_000_000L + random.nextInt(9_000_000));
    }
    assertThat(model.nanos(10, 0, 1_000)).isLessThanOrEqualTo(model.nanos(11, 0, 1_000));
    assertThat(model.nanos(10, 0, 1_000)).isLessThanOrEqualTo(model.nanos(10, 50, 1_000));
    assertThat(model.nanos(10, 0, 1_000)).isLessThanOrEqualTo(model.nanos(10, 0, 9_000));
  }

  /** Steps of a known cost. */
  private static final class Steps {
    final Random random;
    final double fixedMillis;
    final double decodeMillis;
    final double prefillMillis;
    final double kvMillis;
    int decodes;
    int prefilled;
    long kvTokens;

    Steps(long seed, double fixed, double decode, double prefill, double kv) {
      random = new Random(seed);
      fixedMillis = fixed;
      decodeMillis = decode;
      prefillMillis = prefill;
      kvMillis = kv;
    }

    void next() {
      decodes = random.nextInt(128);
      prefilled = random.nextInt(3) == 0 ? random.nextInt(1024) : 0;
      kvTokens = (decodes + 1L) * (100 + random.nextInt(900));
    }

    double nanos() {
      return 1e6
          * (fixedMillis
              + decodeMillis * decodes
              + prefillMillis * prefilled
              + kvMillis * kvTokens);
    }

    /** The noise of a large step is large for a small one. */
    double largestNanos() {
      return 1e6 * (fixedMillis + 128 * decodeMillis + 1024 * prefillMillis + 128e3 * kvMillis);
    }

    void teach(StepTimeModel model, int steps, double noise) {
      for (int i = 0; i < steps; i++) {
        next();
        double factor = 1 + noise * random.nextGaussian();
        model.observe(decodes, prefilled, kvTokens, (long) (nanos() * factor));
      }
    }
  }
}
