package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CostModelTest {
  /** 2 kB of weights and 10 bytes a token; 1 kB/s, 1,000 operations a second, 1 us, 100 B/s. */
  private static final CostModel COSTS =
      new CostModel(
          new CostModel.ModelShape("m", 1000, 10),
          new CostModel.GpuProfile("g", 1000, 1000, 1000, 100, true));

  @Test
  void smallBatch_readsWeightsAndKv() {
    // 2000 bytes of weights and 50 of KV at 1000 bytes/s; one token computes for 2 s only
    assertThat(COSTS.stepNanos(1, 5, 0)).isEqualTo(2_050_001_000L);
  }

  @Test
  void prefill_computes() {
    // 2 * 1000 parameters * 3 tokens at 1000 operations/s
    assertThat(COSTS.stepNanos(3, 5, 0)).isEqualTo(6_000_001_000L);
  }

  @Test
  void withoutOverlap_kvComesAfterTheProducts() {
    CostModel apart =
        new CostModel(
            new CostModel.ModelShape("m", 1000, 10),
            new CostModel.GpuProfile("g", 1000, 1000, 1000, 100, false));
    assertThat(apart.stepNanos(1, 5, 0)).isEqualTo(2_050_001_000L);
    assertThat(apart.stepNanos(3, 5, 0)).isEqualTo(6_050_001_000L);
  }

  @Test
  void copies_comeOnTop() {
    assertThat(COSTS.stepNanos(3, 5, 250)).isEqualTo(8_500_001_000L);
    assertThat(COSTS.stepNanos(0, 0, 250)).isEqualTo(2_500_001_000L);
  }

  @Test
  void recovery_costsACopyOutAndInOrThePrefill() {
    assertThat(COSTS.recoveryCosts(4).swapNanosPerBlock()).isEqualTo(0.8e9);
    assertThat(COSTS.recoveryCosts(4).recomputeNanosPerToken()).isEqualTo(2e9);
  }

  @Test
  void presets_haveThePapersShapes() {
    assertThat(CostModel.ModelShape.named("gpt-j-6b").orElseThrow().kvBytesPerToken())
        .isEqualTo(458_752);
    assertThat(CostModel.ModelShape.named("llama-13b").orElseThrow().kvBytesPerToken())
        .isEqualTo(819_200);
    assertThat(CostModel.ModelShape.named("LLAMA-33B").orElseThrow().kvBytesPerToken())
        .isEqualTo(1_597_440);
    assertThat(CostModel.ModelShape.named("llama-33b").orElseThrow().weightBytes()).isEqualTo(65e9);
    assertThat(CostModel.ModelShape.named("llama-70b").orElseThrow().kvBytesPerToken())
        .isEqualTo(327_680);
    assertThat(CostModel.GpuProfile.named("h200").orElseThrow().overheadNanos()).isEqualTo(200_000);
    assertThat(CostModel.GpuProfile.named("b200")).isEmpty();
  }

  @Test
  void formats_changeWhatIsReadAndStored() {
    CostModel.ModelShape model = new CostModel.ModelShape("m", 1000, 64);
    CostModel.ModelShape small = model.withFormats(0.5, 0.5);
    assertThat(model.weightBytes()).isEqualTo(2000);
    assertThat(small.weightBytes()).isEqualTo(500);
    assertThat(small.kvBytesPerToken()).isEqualTo(32);
    assertThat(model.withFormats(2, 0.001).kvBytesPerToken()).isEqualTo(1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.withFormats(0, 1))
        .withMessage("bytesPerWeight must be positive and finite, but is 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> model.withFormats(2, -1))
        .withMessage("kvShare must be positive and finite, but is -1.0");
  }

  /** Microseconds of an exchange between two H200, measured for rows of 6,656 numbers. */
  @ParameterizedTest
  @CsvSource({"1, 3.0", "16, 3.8", "64, 6.9", "128, 11.1", "256, 19.5"})
  void exchangeOfTwoH200_isNearTheMeasured(int rows, double micros) {
    CostModel.ModelShape layer = new CostModel.ModelShape("layer", 1, 2, 1, 1, 6656);
    CostModel.GpuProfile gpu = new CostModel.GpuProfile("g", 1e18, 1e18, 0, 1, true);
    double nanos = new CostModel(layer, gpu, 2).stepNanos(rows, 0, 0);
    assertThat(nanos / 2 / 1e3).isCloseTo(micros, withinPercentage(4));
    assertThat(new CostModel(layer, gpu).stepNanos(rows, 0, 0)).isZero();
  }

  /** Milliseconds of a step of llama-13b with contexts of 512 on one H200 and on two. */
  @ParameterizedTest
  @CsvSource({"1, 7.41, 4.75", "16, 9.36, 5.86", "64, 15.18, 9.39", "128, 24.16, 14.39"})
  void stepsOfOneAndTwoH200_areNearTheMeasured(int rows, double one, double two) {
    CostModel.ModelShape model = CostModel.ModelShape.named("llama-13b").orElseThrow();
    CostModel.GpuProfile gpu = CostModel.GpuProfile.named("h200-s3").orElseThrow();
    double nanos = new CostModel(model, gpu).stepNanos(rows, 512L * rows, 0);
    assertThat(nanos / 1e6).isCloseTo(one, withinPercentage(5));
    nanos = new CostModel(model, gpu, 2).stepNanos(rows, 512L * rows, 0);
    assertThat(nanos / 1e6).isCloseTo(two, withinPercentage(3));
  }

  /** The fit of the exchange does not know these models. */
  @ParameterizedTest
  @CsvSource({
    "llama-33b, 1, 512, 10.23",
    "llama-33b, 16, 512, 12.64",
    "llama-33b, 64, 512, 18.99",
    "llama-33b, 128, 256, 22.45",
    "llama-70b, 1, 512, 19.43",
    "llama-70b, 16, 512, 20.25",
    "llama-70b, 64, 512, 24.67",
    "llama-70b, 128, 512, 31.75"
  })
  void stepsOfOtherModelsOnTwoH200_areNearTheMeasured(
      String name, int rows, int context, double millis) {
    CostModel.ModelShape model = CostModel.ModelShape.named(name).orElseThrow();
    CostModel.GpuProfile gpu = CostModel.GpuProfile.named("h200-s3").orElseThrow();
    double nanos = new CostModel(model, gpu, 2).stepNanos(rows, (long) context * rows, 0);
    assertThat(nanos / 1e6).isCloseTo(millis, withinPercentage(6));
  }

  @Test
  void severalCards_shareAllButTheOverhead() {
    CostModel.ModelShape model = new CostModel.ModelShape("m", 1000, 2, 10, 3, 100);
    CostModel.GpuProfile gpu =
        new CostModel.GpuProfile(
            "g", 1000, 1000, 1000, 100, true, new CostModel.Exchange(1_000, 1e6));
    CostModel four = new CostModel(model, gpu, 4);
    // 2050 bytes at 4000 bytes/s, 1 us, and 6 exchanges of 1 us and 1.5 times 400 bytes at 1 MB/s
    assertThat(four.stepNanos(1, 5, 0)).isEqualTo(512_500_000L + 1_000 + 6 * (1_000 + 600_000));
    assertThat(four.stepNanos(0, 0, 400)).isEqualTo(1_000_001_000L);
    assertThat(four.recoveryCosts(4).swapNanosPerBlock()).isEqualTo(0.2e9);
    assertThat(four.recoveryCosts(4).recomputeNanosPerToken())
        .isCloseTo(0.5e9 + 6 * 600_000, within(1e-3));
  }

  @Test
  void cardsOfAModelWithUnknownLayers_areRefused() {
    CostModel.GpuProfile gpu = CostModel.GpuProfile.named("h200").orElseThrow();
    CostModel.ModelShape model = new CostModel.ModelShape("m", 1000, 64);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CostModel(model, gpu, 2))
        .withMessage("cards is 2, but layers and hiddenSize of model m are not known");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CostModel(model, gpu, 0))
        .withMessage("cards must be at least 1, but is 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CostModel.Exchange(-1, 1))
        .withMessage("exchange.nanos must be at least 0, but is -1");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CostModel.ModelShape("m", 1, 2, 1, 3, 0))
        .withMessage("hiddenSize must be at least 1, but is 0");
  }

  @Test
  void badValues_areNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CostModel.ModelShape("m", Double.NaN, 1))
        .withMessage("parameters must be positive and finite, but is NaN");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CostModel.GpuProfile("g", 1, 1, -1, 1, true))
        .withMessage("overheadNanos must be at least 0, but is -1");
  }
}
