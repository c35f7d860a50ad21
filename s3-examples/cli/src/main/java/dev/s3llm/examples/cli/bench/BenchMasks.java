package dev.s3llm.examples.cli.bench;

import java.util.Random;

/**
 * Masks of tokens as a constraint makes and caches them: in turn of one token, of a few, of a
 * sixteenth and of nearly all of the vocabulary.
 */
final class BenchMasks {
  private static final int COUNT = 256;

  private final long[][] masks;

  /**
   * Creates random masks.
   *
   * @param vocabulary number of tokens
   */
  BenchMasks(int vocabulary) {
    Random random = new Random(5);
    masks = new long[COUNT][(vocabulary + Long.SIZE - 1) / Long.SIZE];
    for (int m = 0; m < COUNT; m++) {
      for (int word = 0; m % 4 > 1 && word < masks[m].length; word++) {
        long some = -1;
        for (int halved = 0; halved < 4; halved++) {
          some &= random.nextLong();
        }
        masks[m][word] = m % 4 == 2 ? some : ~some;
      }
      for (int i = 0; i <= m % 4 * 20; i++) {
        int token = random.nextInt(vocabulary);
        masks[m][token / Long.SIZE] |= 1L << (token % Long.SIZE);
      }
      clearBeyond(vocabulary, masks[m]);
    }
  }

  private static void clearBeyond(int vocabulary, long[] mask) {
    int used = vocabulary % Long.SIZE;
    if (used != 0) {
      mask[mask.length - 1] &= (1L << used) - 1;
    }
  }

  /** Returns the mask of a sequence's step; nearly all sequences of a step have different ones. */
  long[] of(int sequence, int step) {
    return masks[Math.floorMod(sequence + 37 * step, COUNT)];
  }
}
