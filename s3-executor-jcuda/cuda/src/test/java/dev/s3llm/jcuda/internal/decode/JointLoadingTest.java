package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class JointLoadingTest {
  private final List<Long> seen = new ArrayList<>();
  private final JointLoading loading =
      new JointLoading(
          (bytes, total) -> {
            assertThat(total).isEqualTo(100);
            seen.add(bytes);
          },
          2,
          100);

  @Test
  void progressOfAllDevices_isAddedUpAndAtMostTheTotal() {
    loading.run(0, device -> loading.progressOf(device).accept(30));
    loading.run(1, device -> loading.progressOf(device).accept(20));
    loading.run(1, device -> loading.progressOf(device).accept(50));
    loading.run(0, device -> loading.progressOf(device).accept(60));
    assertThat(seen).containsExactly(30L, 50L, 80L, 100L);
  }

  @Test
  void failureOfOneDevice_stopsTheOthers_andIsWhatTheyThrow() {
    IllegalStateException failure = new IllegalStateException("no memory");
    assertThatThrownBy(
            () ->
                loading.run(
                    1,
                    device -> {
                      throw failure;
                    }))
        .isSameAs(failure);
    assertThatThrownBy(() -> loading.run(0, device -> loading.progressOf(device).accept(10)))
        .isSameAs(failure);
    assertThat(seen).isEmpty();
  }
}
