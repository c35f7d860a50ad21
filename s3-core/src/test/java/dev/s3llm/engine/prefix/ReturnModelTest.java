package dev.s3llm.engine.prefix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ReturnModelTest {
  private static final long SECOND = 1_000_000_000L;

  private final ReturnCounts counts = new ReturnCounts();
  private final ReturnModel model = new ReturnModel(counts);

  /** Blocks that never came back, because they were observed for a short time, are no evidence. */
  @Test
  void censoredObservations_doNotLowerTheHazard() {
    SplittableRandom random = new SplittableRandom(1);
    int row = counts.row(Traits.with(0, Traits.SEEN, 1));
    for (int i = 0; i < 20_000; i++) {
      double returns = -Math.log(1 - random.nextDouble()) / 0.02;
      double observed = Ages.endNanos(Ages.bin(random.nextInt(100) * SECOND)) / 1e9;
      observe(row, returns, observed);
    }

    model.refresh();

    int bin = Ages.bin(5 * SECOND);
    assertThat(model.index(model.classOf(row), bin)).isCloseTo(0.02, within(0.003));
  }

  @Test
  void traitsThatReturnMoreOften_areWorthMore() {
    int often = counts.row(Traits.with(0, Traits.SHARE, 5));
    int seldom = counts.row(Traits.with(0, Traits.SHARE, 2));
    SplittableRandom random = new SplittableRandom(2);
    double observed = Ages.endNanos(Ages.bin(400 * SECOND)) / 1e9;
    for (int i = 0; i < 5000; i++) {
      observe(often, -Math.log(1 - random.nextDouble()) / 0.01, observed);
      observe(seldom, -Math.log(1 - random.nextDouble()) / 0.001, observed);
    }

    for (int i = 0; i < 5; i++) {
      model.refresh(); // each goes on where the one before ended
    }

    int bin = Ages.bin(30 * SECOND);
    double ratio = model.index(model.classOf(often), bin) / model.index(model.classOf(seldom), bin);
    assertThat(ratio).isBetween(4.0, 15.0);
  }

  @Test
  void announcedEnd_isWorthLessBeforeAnythingWasSeen() {
    int plain = counts.row(0);
    int ends = counts.row(Traits.with(0, Traits.HINT, 1));
    int follows = counts.row(Traits.with(0, Traits.HINT, 2));

    assertThat(model.index(model.classOf(ends), 0))
        .isLessThan(model.index(model.classOf(plain), 0));
    assertThat(model.index(model.classOf(follows), 0))
        .isGreaterThan(model.index(model.classOf(plain), 0));
  }

  @Test
  void moreCombinationsThanRoom_countWithoutTheirTraits() {
    for (int i = 0; i < 1 << 16; i++) {
      int row = counts.row(i << 3);
      counts.returned(row, 1, SECOND);
    }

    model.refresh();

    assertThat(counts.rows()).isEqualTo(4096);
    assertThat(counts.row((1 << 21) - 8)).isEqualTo(counts.row(0));
  }

  private void observe(int row, double returns, double observed) {
    for (int bin = 0; bin + 1 < Ages.BINS; bin++) {
      long end = Ages.endNanos(bin);
      if (Math.min(returns, observed) * SECOND < end) {
        break;
      }
      counts.stayedAway(row, 1, bin);
    }
    if (returns <= observed) {
      counts.returned(row, 1, Math.round(returns * SECOND));
    }
  }
}
