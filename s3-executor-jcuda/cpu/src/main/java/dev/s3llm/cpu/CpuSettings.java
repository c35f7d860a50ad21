package dev.s3llm.cpu;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.model.ExecutorSettings;
import java.util.concurrent.ThreadFactory;

/**
 * The settings that the executors of this module share.
 *
 * @param <B> the builder of an executor
 */
abstract class CpuSettings<B extends CpuSettings<B>> extends ExecutorSettings<B> {
  private static final int DEFAULT_BLOCK_TOKENS = 16;
  private static final long DEFAULT_KV_BYTES = 256L << 20;
  private static final long DEFAULT_SWAP_BYTES = 256L << 20;

  /** Reached by any machine: the costs of recovery need only the right order of magnitude. */
  private static final double COPIED_BYTES_PER_NANO = 2;

  private static final double PRODUCTS_PER_CORE_AND_NANO = 4;

  /**
   * Sets the token slots of a KV block; 16 by default.
   *
   * @param tokens at least 1
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   * @throws IllegalStateException if it was set before
   */
  public B blockTokens(int tokens) {
    return set("blockTokens", (int) atLeast("blockTokens", tokens, 1));
  }

  /**
   * Sets the number of threads that compute; one for each processor by default.
   *
   * @param count at least 1
   * @return this builder
   * @throws IllegalArgumentException if the value is out of range
   * @throws IllegalStateException if it was set before
   */
  public B threads(int count) {
    return set("threads", (int) atLeast("threads", count, 1));
  }

  final int threads() {
    return get("threads", () -> Runtime.getRuntime().availableProcessors());
  }

  final ThreadFactory threadFactory() {
    return threadFactoryOr("s3-cpu-executor");
  }

  final int blockTokens() {
    return get("blockTokens", () -> DEFAULT_BLOCK_TOKENS);
  }

  /**
   * Returns a profile's memory and costs of recovery.
   *
   * @param blockBytes bytes of a KV block
   * @param weightBytes bytes of heap that the weights take
   * @param products multiplications that the prefill of one token takes
   */
  final ExecutorProfile.Builder memory(long blockBytes, long weightBytes, long products) {
    long kvBytes = get("kvBytes", () -> DEFAULT_KV_BYTES);
    long swapBytes = get("swapBytes", () -> DEFAULT_SWAP_BYTES);
    if (kvBytes < blockBytes) {
      throw new IllegalArgumentException(
          "kvBytes is %d, but one block of %d tokens takes %d bytes"
              .formatted(kvBytes, blockTokens(), blockBytes));
    }
    requireHeap(kvBytes, weightBytes);
    return ExecutorProfile.builder()
        .kvBlocks(blocks(kvBytes, blockBytes), blockTokens(), blockBytes)
        .hostBlocks(blocks(swapBytes, blockBytes))
        .recoveryCosts(
            new RecoveryCosts(
                2 * blockBytes / COPIED_BYTES_PER_NANO,
                products / (PRODUCTS_PER_CORE_AND_NANO * threads())));
  }

  private static int blocks(long bytes, long blockBytes) {
    return (int) Math.min(Integer.MAX_VALUE, bytes / blockBytes);
  }

  /** KV blocks take heap at first use: what cannot fit would end as an OutOfMemoryError. */
  private static void requireHeap(long kvBytes, long weightBytes) {
    long room = Math.max(0, Runtime.getRuntime().maxMemory() - weightBytes);
    if (kvBytes > room) {
      throw new IllegalArgumentException(
          "kvBytes is %d, but the heap has room for %d bytes beside the weights; lower kvBytes or raise -Xmx"
              .formatted(kvBytes, room));
    }
  }
}
