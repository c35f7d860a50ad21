package dev.s3llm.cpu;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.KvPrecision;
import dev.s3llm.model.ModelConfig;

/**
 * KV blocks of all layers in arrays: the pool that the engine counts as the device's, and the swap
 * pool.
 *
 * <p>The keys of a head and block are read as {@code [dimension][slot]}, so that scores of
 * consecutive slots are computed together; its values as {@code [slot][dimension]}.
 */
abstract sealed class CpuKvCache permits FloatKvCache, CodedKvCache {
  final int blockTokens;
  final int kvHeads;
  final int headSize;

  CpuKvCache(int kvHeads, int headSize, int blockTokens) {
    this.kvHeads = kvHeads;
    this.headSize = headSize;
    this.blockTokens = blockTokens;
  }

  /** Creates the blocks of a profile. */
  static CpuKvCache of(ModelConfig config, ExecutorProfile profile, KvPrecision precision) {
    int swapBlocks = profile.hostBlockCount();
    return of(config, precision, profile.blockTokens(), profile.blockCount(), swapBlocks);
  }

  /** Creates blocks. */
  static CpuKvCache of(
      ModelConfig config, KvPrecision precision, int blockTokens, int blocks, int swapBlocks) {
    int layers = config.layerCount();
    int heads = config.kvHeads();
    int size = config.headSize();
    return switch (precision) {
      case FULL -> new FloatKvCache(layers, heads, size, blockTokens, blocks, swapBlocks);
      case INT8 -> new CodedKvCache(layers, heads, size, blockTokens, blocks, swapBlocks);
    };
  }

  /** Returns the bytes of one block over all layers, keys and values. */
  static long bytesPerBlock(ModelConfig config, KvPrecision precision, int blockTokens) {
    long vectors = 2L * config.layerCount() * config.kvHeads();
    long bytes = vectors * precision.vectorBytes(config.headSize(), Float.BYTES);
    return Math.multiplyExact(bytes, (long) blockTokens);
  }

  /** Returns the bytes of one block of floats over some layers, keys and values of some width. */
  static long bytesPerBlock(int layers, int width, int blockTokens) {
    return Math.multiplyExact(2L * Float.BYTES * layers * width, (long) blockTokens);
  }

  /**
   * Stores a token's key and value vectors of a layer.
   *
   * @param keys keys of all heads, from index {@code from} on
   * @param values values of all heads, from index {@code from} on
   */
  abstract void store(int layer, int block, int slot, float[] keys, float[] values, int from);

  /**
   * Returns an array that holds the keys of a block, a head's from {@link #offset} on; valid until
   * the next call with the same memory.
   */
  abstract float[] keys(int block, int layer, int kvHead, CpuKernels.Scratch memory);

  /**
   * Returns an array that holds the values of a block, a head's from {@link #offset} on; valid
   * until the next call with the same memory.
   */
  abstract float[] values(int block, int layer, int kvHead, CpuKernels.Scratch memory);

  /** Returns the index in such an array at which a head's part of a layer begins. */
  abstract int offset(int layer, int kvHead);

  /** Copies a step's blocks to the swap pool, then from there. */
  final void copy(StepBatch batch) {
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      swapOut(copy.deviceBlock(), copy.hostBlock());
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      swapIn(copy.hostBlock(), copy.deviceBlock());
    }
  }

  abstract void swapOut(int block, int hostBlock);

  abstract void swapIn(int hostBlock, int block);
}
