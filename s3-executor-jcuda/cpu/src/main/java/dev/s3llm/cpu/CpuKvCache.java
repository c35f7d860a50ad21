package dev.s3llm.cpu;

import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.model.ModelConfig;

/**
 * KV blocks of all layers in arrays: the pool that the engine counts as the device's, and the swap
 * pool.
 *
 * <p>Keys of a block are stored as {@code [kvHead][dimension][slot]}, so that scores of consecutive
 * slots are computed together; values as {@code [kvHead][slot][dimension]}.
 */
final class CpuKvCache {
  final int blockTokens;
  final int kvHeads;
  final int headSize;
  private final int blockFloats;
  private final float[][] keys;
  private final float[][] values;
  private final float[][] swappedKeys;
  private final float[][] swappedValues;

  CpuKvCache(ModelConfig config, ExecutorProfile profile) {
    this(config, profile.blockTokens(), profile.blockCount(), profile.hostBlockCount());
  }

  CpuKvCache(ModelConfig config, int blockTokens, int blocks, int swapBlocks) {
    this(config.layerCount(), config.kvHeads(), config.headSize(), blockTokens, blocks, swapBlocks);
  }

  CpuKvCache(int layers, int kvHeads, int headSize, int blockTokens, int blocks, int swapBlocks) {
    this.kvHeads = kvHeads;
    this.headSize = headSize;
    this.blockTokens = blockTokens;
    this.blockFloats = layers * layerFloats();
    this.keys = new float[blocks][];
    this.values = new float[blocks][];
    this.swappedKeys = new float[swapBlocks][];
    this.swappedValues = new float[swapBlocks][];
  }

  /** Returns the bytes of one block over all layers, keys and values. */
  static long bytesPerBlock(ModelConfig config, int blockTokens) {
    return bytesPerBlock(config.layerCount(), config.kvSize(), blockTokens);
  }

  /** Returns the bytes of one block over some layers, keys and values of some width. */
  static long bytesPerBlock(int layers, int width, int blockTokens) {
    return Math.multiplyExact(2L * Float.BYTES * layers * width, (long) blockTokens);
  }

  /** Returns the keys of a block; takes memory at first use. */
  float[] keys(int block) {
    return orNew(keys, block);
  }

  /** Returns the values of a block; takes memory at first use. */
  float[] values(int block) {
    return orNew(values, block);
  }

  private float[] orNew(float[][] pool, int block) {
    if (pool[block] == null) {
      pool[block] = new float[blockFloats];
    }
    return pool[block];
  }

  /** Returns the index in a block at which a head's part of a layer begins. */
  int offset(int layer, int kvHead) {
    return layer * layerFloats() + kvHead * headSize * blockTokens;
  }

  /** Copies a step's blocks to the swap pool, then from there. */
  void copy(StepBatch batch) {
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      swappedKeys[copy.hostBlock()] = keys(copy.deviceBlock()).clone();
      swappedValues[copy.hostBlock()] = values(copy.deviceBlock()).clone();
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      System.arraycopy(swappedKeys[copy.hostBlock()], 0, keys(copy.deviceBlock()), 0, blockFloats);
      System.arraycopy(
          swappedValues[copy.hostBlock()], 0, values(copy.deviceBlock()), 0, blockFloats);
    }
  }

  private int layerFloats() {
    return kvHeads * headSize * blockTokens;
  }
}
