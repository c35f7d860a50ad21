package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.s3llm.simulate.Trace.PredictionError.Bias;
import dev.s3llm.simulate.Trace.PredictionError.Noise;
import dev.s3llm.simulate.Trace.PredictionError.Swap;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class PredictionErrorTest {
  private static final int MANY = 20_000;

  @Test
  void bias_scalesEveryPrediction_andLeavesAtLeastOneToken() {
    assertThat(new Bias(-0.5).spoil(new int[] {100, 7, 1}, random())).containsExactly(50, 4, 1);
    assertThat(new Bias(-0.999).spoil(new int[] {100}, random())).containsExactly(1);
    assertThat(new Bias(1).spoil(new int[] {100}, random())).containsExactly(200);
  }

  @Test
  void noise_isLognormalWithMedianOne() {
    int[] lengths = new int[MANY];
    Arrays.fill(lengths, 100_000);

    int[] spoilt = new Noise(0.5).spoil(lengths, random());

    double[] logs = Arrays.stream(spoilt).mapToDouble(n -> Math.log(n / 1e5)).toArray();
    double mean = Arrays.stream(logs).average().orElseThrow();
    double square = Arrays.stream(logs).map(x -> x * x).average().orElseThrow();
    double beyondOneSigma = Arrays.stream(logs).filter(x -> Math.abs(x) > 0.5).count() / 2e4;
    assertThat(mean).isCloseTo(0, within(0.015)); // four standard errors
    assertThat(Math.sqrt(square)).isCloseTo(0.5, within(0.01));
    assertThat(beyondOneSigma).isCloseTo(0.3173, within(0.015));
  }

  @Test
  void swap_exchangesTheGivenShareOfPredictions() {
    int[] lengths = IntStream.rangeClosed(1, MANY).toArray();

    int[] spoilt = new Swap(0.3).spoil(lengths, random());

    long changed = IntStream.range(0, MANY).filter(i -> spoilt[i] != lengths[i]).count();
    assertThat((double) changed / MANY).isCloseTo(0.3, within(0.015));
    assertThat(Arrays.stream(spoilt).boxed()).allMatch(n -> n >= 1 && n <= MANY);
    assertThat(Arrays.stream(spoilt).average().orElseThrow()).isCloseTo(1e4, within(200.0));
    assertThat(new Swap(1).spoil(new int[] {4, 9}, random())).containsExactly(9, 4);
    assertThat(new Swap(1).spoil(new int[] {4}, random())).containsExactly(4);
  }

  @Test
  void mispredictedTrace_dependsOnTheSeedAlone() {
    Trace trace = trace().predictedExactly();

    Trace one = trace.mispredicted(new Noise(0.4), 1);

    assertThat(trace.mispredicted(new Noise(0.4), 1)).isEqualTo(one);
    assertThat(trace.mispredicted(new Noise(0.4), 2)).isNotEqualTo(one);
    assertThat(one.requests())
        .extracting(Trace.Request::outputTokens)
        .isEqualTo(trace.requests().stream().map(Trace.Request::outputTokens).toList());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> trace().mispredicted(new Noise(0.4), 1))
        .withMessageContaining("must have a prediction");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY, -2})
  void valuesOutOfRange_areRefused(double value) {
    assertThatIllegalArgumentException().isThrownBy(() -> new Bias(value));
    assertThatIllegalArgumentException().isThrownBy(() -> new Noise(value));
    assertThatIllegalArgumentException().isThrownBy(() -> new Swap(value));
  }

  private static SplittableRandom random() {
    return new SplittableRandom(7);
  }

  private static Trace trace() {
    List<Trace.Request> requests = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      requests.add(new Trace.Request(i, 10, 20 + i, 0));
    }
    return new Trace(requests);
  }
}
