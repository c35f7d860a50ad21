package dev.s3llm.cpu;

/**
 * KV blocks of floats: {@code [layer][kvHead]}, keys and values in arrays of their own. Tests
 * extend it with blocks that fail.
 */
non-sealed class FloatKvCache extends CpuKvCache {
  private final int blockFloats;
  private final float[][] keys;
  private final float[][] values;
  private final float[][] swappedKeys;
  private final float[][] swappedValues;

  FloatKvCache(int layers, int kvHeads, int headSize, int blockTokens, int blocks, int swapBlocks) {
    super(kvHeads, headSize, blockTokens);
    this.blockFloats = layers * layerFloats();
    this.keys = new float[blocks][];
    this.values = new float[blocks][];
    this.swappedKeys = new float[swapBlocks][];
    this.swappedValues = new float[swapBlocks][];
  }

  @Override
  void store(int layer, int block, int slot, float[] keyRow, float[] valueRow, int from) {
    float[] blockKeys = orNew(keys, block);
    float[] blockValues = orNew(values, block);
    for (int h = 0; h < kvHeads; h++) {
      int base = offset(layer, h);
      int head = from + h * headSize;
      for (int d = 0; d < headSize; d++) {
        blockKeys[base + d * blockTokens + slot] = keyRow[head + d];
      }
      System.arraycopy(valueRow, head, blockValues, base + slot * headSize, headSize);
    }
  }

  @Override
  float[] keys(int block, int layer, int kvHead, CpuKernels.Scratch memory) {
    return orNew(keys, block);
  }

  @Override
  float[] values(int block, int layer, int kvHead, CpuKernels.Scratch memory) {
    return orNew(values, block);
  }

  /** Returns the array of a block; takes memory at first use. */
  private float[] orNew(float[][] pool, int block) {
    if (pool[block] == null) {
      pool[block] = new float[blockFloats];
    }
    return pool[block];
  }

  @Override
  int offset(int layer, int kvHead) {
    return layer * layerFloats() + kvHead * headSize * blockTokens;
  }

  @Override
  void swapOut(int block, int hostBlock) {
    swappedKeys[hostBlock] = orNew(keys, block).clone();
    swappedValues[hostBlock] = orNew(values, block).clone();
  }

  @Override
  void swapIn(int hostBlock, int block) {
    System.arraycopy(swappedKeys[hostBlock], 0, orNew(keys, block), 0, blockFloats);
    System.arraycopy(swappedValues[hostBlock], 0, orNew(values, block), 0, blockFloats);
  }

  private int layerFloats() {
    return kvHeads * headSize * blockTokens;
  }
}
