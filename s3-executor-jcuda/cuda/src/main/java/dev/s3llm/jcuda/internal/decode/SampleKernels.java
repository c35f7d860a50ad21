package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;

/** Launches the kernel that draws tokens; the grid is one block a row. */
final class SampleKernels {
  private static final int THREADS = 1024;
  private static final String SAMPLE = "sample";

  private final KernelLauncher launcher;
  private final int vocabulary;

  /**
   * Creates the launch.
   *
   * @param vocabulary number of tokens
   */
  SampleKernels(KernelLauncher launcher, int vocabulary) {
    this.launcher = launcher;
    this.vocabulary = vocabulary;
  }

  /** Brings the kernel to the device. */
  void load() {
    launcher.load(SAMPLE);
  }

  /**
   * Draws a token from each row of logits.
   *
   * @param rows sampled rows
   * @param drawn receives the tokens, then the failures
   * @param maxSequences tokens before the first failure
   */
  void sample(
      DeviceStream stream,
      int rows,
      DeviceMemory logits,
      DeviceBatch batch,
      DeviceMemory drawn,
      int maxSequences) {
    launcher.launch(
        stream,
        SAMPLE,
        Grid.of(rows),
        THREADS,
        Divide.up(vocabulary, 32) * Integer.BYTES,
        logits,
        vocabulary, // stride
        vocabulary,
        batch.sampling,
        batch.lists,
        drawn,
        new DeviceAddress(drawn, (long) Integer.BYTES * maxSequences));
  }
}
