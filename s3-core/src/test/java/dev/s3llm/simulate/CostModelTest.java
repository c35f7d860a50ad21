package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;

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
