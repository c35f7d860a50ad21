package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class StepFailureTest {
  @Test
  void failure_namesPhaseLayerAndBlock() {
    int phase = 3 * 8 + 2; // attention of the fourth layer
    assertThat(failure(phase, 0, 17).message(2_000_000_000L))
        .contains("2 s", "block 17 in attention of layer 4");
  }

  @Test
  void failureOfAnotherCard_namesItAndTheMeeting() {
    assertThat(failure(4, 2, 17).missed()) // before the second norm of a layer
        .contains(new CardWatch.Missed(1, 0));
    assertThat(failure(3 * 8, 1, 0).missed()) // before the first of the next
        .contains(new CardWatch.Missed(0, 5));
    assertThat(failure(4, 0, 17).missed()).isEmpty();
    assertThat(new StepFailure(0).missed()).isEmpty();
  }

  @Test
  void failureOfOwnBlocks_isNotThatOfAnotherCard() {
    assertThat(failure(4, 0, 17).ofOwnBlocks()).isTrue();
    assertThat(failure(4, 2, 17).ofOwnBlocks()).isFalse();
    assertThat(new StepFailure(0).ofOwnBlocks()).isFalse();
  }

  private static StepFailure failure(int phase, int awaited, int block) {
    return new StepFailure(1 + (phase << 16 | awaited << 12 | block));
  }
}
