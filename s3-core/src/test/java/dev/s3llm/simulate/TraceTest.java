package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

final class TraceTest {
  private final Trace trace =
      new Trace(
          List.of(
              new Trace.Request(1_000_000_000L, 1, 10, 0),
              new Trace.Request(2_000_000_000L, 1, 20, 0),
              new Trace.Request(5_000_000_000L, 1, 30, 0)));

  @Test
  void spedUp_dividesTheGaps() {
    Trace fast = trace.spedUp(4);

    assertThat(fast.requests())
        .extracting(Trace.Request::arrivalNanos)
        .containsExactly(1_000_000_000L, 1_250_000_000L, 2_000_000_000L);
    assertThat(trace.meanRatePerSecond()).isCloseTo(0.5, within(1e-12));
    assertThat(fast.meanRatePerSecond()).isCloseTo(2, within(1e-12));
  }

  @Test
  void spedUpPoisson_isPoissonAtTheOtherRate() {
    Trace one = trace.poisson(10, 3).spedUp(2);
    Trace other = trace.poisson(20, 3);

    for (int i = 0; i < 3; i++) {
      assertThat(one.requests().get(i).arrivalNanos())
          .isCloseTo(other.requests().get(i).arrivalNanos(), within(2L));
    }
  }

  @Test
  void errors_doNotDependOnTheGaps_withTheSameSeed() {
    int both = 0;
    int shortGaps = 0;
    int swaps = 0;
    Trace exact = trace.predictedExactly();
    for (int seed = 0; seed < 400; seed++) {
      boolean shortGap = trace.poisson(1, seed).requests().get(1).arrivalNanos() < 693_000_000L;
      int first =
          exact
              .mispredicted(new Trace.PredictionError.Swap(0.5), seed)
              .requests()
              .get(0)
              .predictedTokens();
      shortGaps += shortGap ? 1 : 0;
      swaps += first == 10 ? 0 : 1;
      both += shortGap && first != 10 ? 1 : 0;
    }
    assertThat(shortGaps).isBetween(150, 250);
    assertThat(swaps).isBetween(150, 250);
    assertThat(both).isBetween(70, 130);
  }

  @Test
  void badFactorsAndTracesWithoutRate_areRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> trace.atOnce().meanRatePerSecond())
        .withMessageContaining("at once");
    assertThatIllegalArgumentException().isThrownBy(() -> trace.spedUp(0));
    assertThatIllegalArgumentException().isThrownBy(() -> trace.spedUp(Double.NaN));
  }

  @Test
  void predictedExactly_predictsTheTruth() {
    assertThat(trace.predicted()).isFalse();
    assertThat(trace.predictedExactly().requests())
        .extracting(Trace.Request::predictedTokens)
        .containsExactly(10, 20, 30);
  }
}
