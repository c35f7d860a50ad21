package dev.s3llm.jcuda.internal.decode;

import dev.s3llm.jcuda.internal.batch.DeviceBatch;
import dev.s3llm.jcuda.internal.driver.DeviceAddress;
import dev.s3llm.jcuda.internal.driver.DeviceMemory;
import dev.s3llm.jcuda.internal.driver.DeviceStream;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.jcuda.internal.driver.KernelLauncher;
import java.util.stream.Stream;

/** Launches the kernels that draw tokens, and those around them; the grid is one block a row. */
final class SampleKernels {
  private static final int THREADS = 1024;
  private static final int FEW_THREADS = 256;
  private static final String SAMPLE = "sample";
  private static final String SHAPE = "shape_logits";
  private static final String LOGS = "log_probabilities";
  private static final String DRAWN = "drawn_log_probability";

  private final KernelLauncher launcher;
  private final int vocabulary;

  /**
   * Creates the launches.
   *
   * @param vocabulary number of tokens
   */
  SampleKernels(KernelLauncher launcher, int vocabulary) {
    this.launcher = launcher;
    this.vocabulary = vocabulary;
  }

  /** Brings the kernels to the device. */
  void load() {
    Stream.of(SAMPLE, SHAPE, LOGS, DRAWN).forEach(launcher::load);
  }

  /**
   * Computes the log probabilities of the most probable tokens of the rows that request some;
   * before anything changes the logits.
   *
   * @param rows sampled rows
   * @param logs receives them, {@link dev.s3llm.jcuda.internal.batch.LogProbabilityFormat}
   */
  void logProbabilities(
      DeviceStream stream, int rows, DeviceMemory logits, DeviceBatch batch, DeviceMemory logs) {
    launcher.launch(
        stream,
        LOGS,
        Grid.of(rows),
        THREADS,
        0,
        logits,
        vocabulary, // stride
        vocabulary,
        batch.sampling,
        logs);
  }

  /**
   * Applies biases, penalties and masks to the rows that have some.
   *
   * @param rows sampled rows
   * @param saved receives the logits that biases and penalties change
   * @param savedStride most such logits of a row
   */
  void shape(
      DeviceStream stream,
      int rows,
      DeviceMemory logits,
      DeviceBatch batch,
      DeviceMemory saved,
      int savedStride) {
    launcher.launch(
        stream,
        SHAPE,
        Grid.of(rows),
        THREADS,
        0,
        logits,
        vocabulary, // stride
        vocabulary,
        batch.sampling,
        batch.lists,
        saved,
        savedStride);
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
        0,
        logits,
        vocabulary, // stride
        vocabulary,
        batch.sampling,
        batch.lists,
        drawn,
        new DeviceAddress(drawn, (long) Integer.BYTES * maxSequences));
  }

  /**
   * Adds the log probabilities of the drawn tokens.
   *
   * @param rows sampled rows
   * @param saved the logits before they were changed
   * @param savedStride most such logits of a row
   * @param drawn the drawn tokens
   * @param logs the log probabilities of the most probable tokens
   */
  void drawnLogProbabilities(
      DeviceStream stream,
      int rows,
      DeviceMemory logits,
      DeviceBatch batch,
      DeviceMemory saved,
      int savedStride,
      DeviceMemory drawn,
      DeviceMemory logs) {
    launcher.launch(
        stream,
        DRAWN,
        Grid.of(rows),
        FEW_THREADS,
        0,
        logits,
        vocabulary, // stride
        vocabulary,
        batch.sampling,
        batch.lists,
        saved,
        savedStride,
        drawn,
        logs);
  }
}
