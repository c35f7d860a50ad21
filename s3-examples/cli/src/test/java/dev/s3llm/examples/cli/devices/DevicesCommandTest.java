package dev.s3llm.examples.cli.devices;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.s3llm.examples.cli.CommandTest;
import org.junit.jupiter.api.Test;

class DevicesCommandTest extends CommandTest {
  @Test
  void devices_namesTheHostAndWhatElseThereIs() {
    assertThat(run("devices")).isZero();
    assertThat(out.toString()).contains("host:").containsPattern("cuda 0: |no GPU: ");
    assertThat(out.toString()).as("no stack trace").doesNotContain("\tat ");
  }

  @Test
  void cudaWithoutAGpu_saysWhatIsMissingInOneLine() {
    run("devices");
    assumeTrue(out.toString().contains("no GPU: "), "there is a GPU");

    assertThat(run("generate", "--device", "cuda", "Hi")).isEqualTo(2);
    assertThat(err.toString()).contains("--device: no CUDA driver was found").hasLineCount(1);
  }
}
