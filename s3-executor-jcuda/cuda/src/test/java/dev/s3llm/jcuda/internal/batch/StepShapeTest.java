package dev.s3llm.jcuda.internal.batch;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class StepShapeTest {
  private static final int PART = 256;

  @Property
  void padding_keepsEveryRowAndWastesLittle(
      @ForAll @IntRange(min = 1, max = 1024) int rows,
      @ForAll @IntRange(min = 1, max = 100_000) int longest) {
    StepShape padded = new StepShape(rows, rows, longest, 0, 0, rows).padded(1024, PART);
    assertThat(padded.rows()).isBetween(rows, Math.max(2 * rows - 1, rows));
    assertThat(padded.rows() - rows).isLessThan(64);
    assertThat(padded.decodes()).isEqualTo(padded.rows());
    assertThat(padded.sampled()).isEqualTo(padded.rows());
    assertThat(padded.longestDecode()).isBetween(longest, 2 * longest + 2 * PART);
    assertThat(padded.padded(1024, PART)).isEqualTo(padded);
  }

  @Test
  void padding_neverExceedsTheRoom() {
    assertThat(new StepShape(9, 9, 1, 0, 0, 9).padded(10, PART).rows()).isEqualTo(10);
  }

  @Test
  void stepsOfAnyContext_shareALaunch() {
    StepShape step = new StepShape(3, 3, 9, 0, 0, 3);
    assertThat(step.anyContext()).isFalse();
    assertThat(step.ofAnyContext().anyContext()).isTrue();
    assertThat(step.ofAnyContext())
        .isEqualTo(new StepShape(3, 3, 900, 0, 0, 3).ofAnyContext())
        .isNotEqualTo(new StepShape(4, 4, 9, 0, 0, 4).ofAnyContext());
    assertThat(new StepShape(8, 0, 0, 1, 8, 1).anyContext()).isFalse();
  }

  @Test
  void onlyStepsWithoutChunks_areGraphs() {
    assertThat(new StepShape(3, 3, 9, 0, 0, 3).decodesOnly()).isTrue();
    assertThat(new StepShape(3, 3, 9, 0, 0, 2).decodesOnly()).isFalse();
    assertThat(new StepShape(8, 3, 9, 1, 5, 4).decodesOnly()).isFalse();
    assertThat(new StepShape(0, 0, 0, 0, 0, 0).decodesOnly()).isFalse();
  }
}
