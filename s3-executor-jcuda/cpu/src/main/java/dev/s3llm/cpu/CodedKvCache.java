package dev.s3llm.cpu;

import dev.s3llm.model.KvPrecision;

/**
 * KV blocks of {@link KvPrecision#INT8}: {@code [layer][keys, values][kvHead]}, the codes of all
 * slots in one array and their scales in another. The codes of keys are stored as {@code
 * [dimension][slot]}, those of values as {@code [slot][dimension]}.
 *
 * <p>Attention widens a head's part of a block, a few KB, when it needs it.
 */
final class CodedKvCache extends CpuKvCache {
  /** The largest code. */
  private static final int MOST = 127;

  private static final int MAGNITUDE = 0x7FFFFFFF;

  private final int parts;
  private final Block[] blocks;
  private final Block[] swapped;

  /** Codes and scales of one block. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Block(byte[] codes, float[] scales) {}

  CodedKvCache(int layers, int kvHeads, int headSize, int blockTokens, int blocks, int swapBlocks) {
    super(kvHeads, headSize, blockTokens);
    this.parts = 2 * layers * kvHeads;
    this.blocks = new Block[blocks];
    this.swapped = new Block[swapBlocks];
  }

  @Override
  void store(int layer, int block, int slot, float[] keys, float[] values, int from) {
    Block to = orNew(block);
    for (int h = 0; h < kvHeads; h++) {
      int head = from + h * headSize;
      int keyPart = part(layer, 0, h);
      store(to, keyPart, slot, keys, head, codesAt(keyPart) + slot, blockTokens);
      int valuePart = part(layer, 1, h);
      store(to, valuePart, slot, values, head, codesAt(valuePart) + slot * headSize, 1);
    }
  }

  /** Stores a vector: its scale, and its codes from {@code at} on, {@code step} bytes apart. */
  private void store(Block to, int part, int slot, float[] vector, int from, int at, int step) {
    int bits = 0; // of the largest magnitude; those of a NaN are larger than any number's
    for (int d = 0; d < headSize; d++) {
      bits = Math.max(bits, Float.floatToRawIntBits(vector[from + d]) & MAGNITUDE);
    }
    float largest = Float.intBitsToFloat(bits);
    to.scales[part * blockTokens + slot] = largest / MOST;
    float inverse = largest == 0 ? 0 : MOST / largest;
    for (int d = 0; d < headSize; d++) {
      int code = (int) Math.rint(vector[from + d] * inverse);
      to.codes[at + d * step] = (byte) Math.max(-MOST, Math.min(MOST, code));
    }
  }

  @Override
  float[] keys(int block, int layer, int kvHead, CpuKernels.Scratch memory) {
    Block from = orNew(block);
    int part = part(layer, 0, kvHead);
    float[] to = memory.widened(headSize * blockTokens);
    for (int d = 0; d < headSize; d++) {
      int row = d * blockTokens;
      memory.arithmetic.widen(
          from.codes, codesAt(part) + row, blockTokens, from.scales, part * blockTokens, to, row);
    }
    return to;
  }

  @Override
  float[] values(int block, int layer, int kvHead, CpuKernels.Scratch memory) {
    Block from = orNew(block);
    int part = part(layer, 1, kvHead);
    float[] to = memory.widened(headSize * blockTokens);
    for (int slot = 0; slot < blockTokens; slot++) {
      int row = slot * headSize;
      float scale = from.scales[part * blockTokens + slot];
      memory.arithmetic.widen(from.codes, codesAt(part) + row, headSize, scale, to, row);
    }
    return to;
  }

  @Override
  int offset(int layer, int kvHead) {
    return 0; // an array holds one head of one layer
  }

  @Override
  void swapOut(int block, int hostBlock) {
    Block from = orNew(block);
    swapped[hostBlock] = new Block(from.codes.clone(), from.scales.clone());
  }

  @Override
  void swapIn(int hostBlock, int block) {
    Block from = swapped[hostBlock];
    Block to = orNew(block);
    System.arraycopy(from.codes, 0, to.codes, 0, to.codes.length);
    System.arraycopy(from.scales, 0, to.scales, 0, to.scales.length);
  }

  /** Returns a block; takes memory at first use. */
  private Block orNew(int block) {
    if (blocks[block] == null) {
      int slots = parts * blockTokens;
      blocks[block] = new Block(new byte[slots * headSize], new float[slots]);
    }
    return blocks[block];
  }

  private int part(int layer, int which, int kvHead) {
    return (2 * layer + which) * kvHeads + kvHead;
  }

  private int codesAt(int part) {
    return part * headSize * blockTokens;
  }
}
