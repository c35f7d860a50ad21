package dev.s3llm.cpu;

import dev.s3llm.execute.BlockCopy;
import dev.s3llm.execute.StepBatch;

/**
 * KV blocks of all layers in host arrays: a pool that stands for the device, and a swap pool.
 *
 * <p>Keys of a block lie as {@code [kvHead][dimension][slot]}, so that scores of consecutive slots
 * are computed together; values as {@code [kvHead][slot][dimension]}.
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

  /** Bytes of one block over all layers, keys and values. */
  static long bytesPerBlock(int layers, int kvHeads, int headSize, int blockTokens) {
    return Math.multiplyExact(
        2L * Float.BYTES * layers * kvHeads, Math.multiplyExact((long) headSize, blockTokens));
  }

  /** Keys of a block; memory is taken at first use. */
  float[] keys(int block) {
    return orNew(keys, block);
  }

  /** Values of a block; memory is taken at first use. */
  float[] values(int block) {
    return orNew(values, block);
  }

  private float[] orNew(float[][] pool, int block) {
    if (pool[block] == null) {
      pool[block] = new float[blockFloats];
    }
    return pool[block];
  }

  /** Where a head's part of a layer begins in a block. */
  int offset(int layer, int kvHead) {
    return layer * layerFloats() + kvHead * headSize * blockTokens;
  }

  /** Copies blocks out, then in. */
  void copy(StepBatch batch) {
    for (BlockCopy copy : batch.swapOuts()) {
      swappedKeys[copy.hostBlock()] = keys(copy.deviceBlock()).clone();
      swappedValues[copy.hostBlock()] = values(copy.deviceBlock()).clone();
    }
    for (BlockCopy copy : batch.swapIns()) {
      System.arraycopy(swappedKeys[copy.hostBlock()], 0, keys(copy.deviceBlock()), 0, blockFloats);
      System.arraycopy(
          swappedValues[copy.hostBlock()], 0, values(copy.deviceBlock()), 0, blockFloats);
    }
  }

  private int layerFloats() {
    return kvHeads * headSize * blockTokens;
  }
}
