package dev.s3llm.jcuda.internal.speech;

import static dev.s3llm.jcuda.internal.speech.SpeechLimits.ROWS;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.ExecutorProfile.KvGrowth;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.jcuda.internal.driver.Device;
import dev.s3llm.jcuda.internal.kv.DeviceKvPool;
import dev.s3llm.model.speech.SpeechConfig;

/**
 * Sizes a speech executor's memory.
 *
 * @param config shape of the model
 * @param format sizes of the largest step
 * @param kvBytes bytes of KV memory, at least a block
 * @param swapBytes bytes of swap space; 0 for none
 */
public record SpeechProfile(
    SpeechConfig config, SpeechFormat format, long kvBytes, long swapBytes) {
  /** Passes of the default strategy, by which the engine estimates the steps of a canvas. */
  private static final int PASSES = 3;

  private static final int HALF_BYTES = 2;

  /** Returns the bytes of a KV block over all layers of the decoder. */
  long blockBytes() {
    return 2L * HALF_BYTES * ROWS * config.hiddenSize() * config.decoderLayers();
  }

  private int blocks() {
    return (int) Math.min(Integer.MAX_VALUE / ROWS, kvBytes / blockBytes());
  }

  private int hostBlocks() {
    return (int) Math.min(Integer.MAX_VALUE / ROWS, swapBytes / blockBytes());
  }

  /**
   * Refuses KV memory that does not fit, or holds no block.
   *
   * @param free free bytes of the device
   * @param name name of the device
   * @throws IllegalArgumentException naming the bytes
   */
  void requireRoom(long free, String name) {
    long bytes = blocks() * blockBytes();
    if (blocks() < 1 || bytes > free) {
      throw new IllegalArgumentException(
          "%d bytes of KV memory were requested, a block of %d positions takes %d bytes, and %s has %d bytes free beside weights and workspace; change kvBytes or maxTokensPerStep"
              .formatted(kvBytes, ROWS, blockBytes(), name, free));
    }
  }

  /** Allocates the KV blocks and their swap space. */
  DeviceKvPool allocate(Device device) {
    return new DeviceKvPool(device, blockBytes(), blocks(), hostBlocks());
  }

  /** Returns the profile of an executor with these sizes. */
  ExecutorProfile profile(RecoveryCosts costs) {
    return ExecutorProfile.builder()
        .kvBlocks(blocks(), ROWS, blockBytes())
        .hostBlocks(hostBlocks())
        .maxContextTokens(format.maxContext())
        .maxTokensPerStep(format.maxTokens())
        .maxSequencesPerStep(format.maxSequences())
        .vocabularySize(config.vocabularySize())
        .growth(KvGrowth.FIXED_CANVAS)
        .canvasPasses(PASSES)
        .takesInputs(true)
        .recoveryCosts(costs)
        .build();
  }
}
