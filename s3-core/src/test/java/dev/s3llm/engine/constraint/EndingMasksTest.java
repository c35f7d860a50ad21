package dev.s3llm.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EndingMasksTest {
  private final EndingMasks endings = new EndingMasks();
  private final long[] mask = {1, 0};

  @Test
  void maskWithStopTokens_isOneArrayForAMask() {
    long[] ending = endings.of(mask, 3, 64);
    assertThat(ending).containsExactly(0b1001, 1);
    assertThat(endings.of(mask, 3, 64)).isSameAs(ending);
    assertThat(endings.of(mask.clone(), 3, 64)).isNotSameAs(ending).isEqualTo(ending);
    assertThat(mask).containsExactly(1, 0); // it is shared
  }

  @Test
  void otherStopTokens_haveMasksOfTheirOwn() {
    long[] first = endings.of(mask, 3);
    assertThat(endings.of(mask, 4)).containsExactly(0b10001, 0);
    assertThat(endings.of(mask, 3)).isEqualTo(first);
  }
}
