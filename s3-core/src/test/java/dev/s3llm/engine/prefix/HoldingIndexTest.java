package dev.s3llm.engine.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

class HoldingIndexTest {

  @Test
  void constantHazard_isItsOwnIndex() {
    double[] hazards = new double[Ages.BINS];
    Arrays.fill(hazards, 0.004);

    for (double value : index(hazards)) {
      assertThat(value).isCloseTo(0.004, within(1e-9));
    }
  }

  @Test
  void returnAfterAWhile_isWorthMoreTheCloserItIs() {
    double[] hazards = new double[Ages.BINS];
    Arrays.fill(hazards, 1e-7);
    int busy = Ages.bin(70_000_000_000L);
    hazards[busy] = 1;

    double[] index = index(hazards);

    for (int bin = 0; bin < busy; bin++) {
      assertThat(index[bin + 1]).isGreaterThan(index[bin]);
    }
    assertThat(index[0]).isGreaterThan(1e4 * hazards[0]);
    assertThat(index[busy + 1]).isCloseTo(1e-7, within(1e-9));
  }

  /** Sums over small steps of time, and tries the end of each as the time to give up. */
  @Property(tries = 20)
  void index_isTheBestRatioOverAllTimes(@ForAll @LongRange(min = 0, max = 1 << 20) long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] hazards = new double[Ages.BINS];
    for (int bin = 0; bin < Ages.BINS; bin++) {
      hazards[bin] = Math.exp(-9 + 8 * random.nextDouble());
    }
    int from = random.nextInt(Ages.BINS);

    assertThat(index(hazards)[from] / bruteForce(hazards, from)).isCloseTo(1, within(2e-3));
  }

  private static double bruteForce(double[] hazards, int from) {
    double absent = 1;
    double held = 0;
    double best = 0;
    for (int bin = from; bin < Ages.BINS; bin++) {
      int steps = 20_000;
      double seconds = Ages.seconds(bin) / steps;
      for (int i = 0; i < steps; i++) {
        double left = absent * Math.exp(-hazards[bin] * seconds);
        held += (absent + left) / 2 * seconds;
        absent = left;
        best = Math.max(best, (1 - absent) / held);
      }
    }
    return best;
  }

  private static double[] index(double[] hazards) {
    double[] index = new double[Ages.BINS];
    HoldingIndex.of(hazards, index);
    return index;
  }
}
