package dev.s3llm.jcuda.internal.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which of the driver's errors the device survives. */
class DeviceExceptionTest {
  @ParameterizedTest
  @ValueSource(ints = {214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719})
  void errorsThatBreakTheContext_areSticky(int code) {
    assertThat(of(code).sticky()).isTrue();
    assertThat(of(code).outOfMemory()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 400, 600, 701, 704, 705, 712, 713, 720, 900, 999})
  void errorsOfOneCall_areNot(int code) {
    assertThat(of(code).sticky()).isFalse();
  }

  @Test
  void outOfMemory_isKnown_andNamed() {
    assertThat(of(2).outOfMemory()).isTrue();
    assertThat(of(2)).hasMessage("cuCall failed: CUDA_ERROR_OUT_OF_MEMORY (2)");
  }

  @Test
  void success_throwsNothing() {
    DeviceException.check("cuCall", 0);
  }

  private static DeviceException of(int code) {
    return assertThatExceptionOfType(DeviceException.class)
        .isThrownBy(() -> DeviceException.check("cuCall", code))
        .actual();
  }
}
