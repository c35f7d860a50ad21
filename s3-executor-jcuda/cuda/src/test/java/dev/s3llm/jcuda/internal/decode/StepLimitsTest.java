package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StepLimitsTest {
  private static final int H200 = 132;

  @Test
  void attentionToManyPositions_isALaunchForEachPart() {
    StepLimits heads = StepLimits.of(40, 1, null, false, H200);
    assertThat(heads.allow(1, 512)).isTrue();
    assertThat(heads.allow(8, 512)).isTrue();
    assertThat(heads.allow(8, 1024)).isFalse();
    assertThat(heads.allow(4, 2048)).isFalse();
    assertThat(heads.allow(16, 512)).isFalse();
    StepLimits grouped = StepLimits.of(8, 1, null, false, H200);
    assertThat(grouped.allow(4, 4096)).isTrue();
    assertThat(grouped.allow(16, 1024)).isTrue();
    assertThat(grouped.allow(16, 2048)).isTrue();
    assertThat(grouped.allow(16, 4096)).isFalse();
    assertThat(StepLimits.of(1, 1, null, false, H200).allow(17, 1)).isFalse();
  }
}
