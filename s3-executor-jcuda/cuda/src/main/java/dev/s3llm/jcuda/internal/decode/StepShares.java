package dev.s3llm.jcuda.internal.decode;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Divides the products of a step among the blocks of {@code decode_step.cu}. The units of a product
 * that are left over when each block has the same number go to the blocks that had the least work
 * in the products before, so that no block falls behind by more than a unit.
 */
final class StepShares {
  private StepShares() {}

  /**
   * A product.
   *
   * @param units units of work, at least 1
   * @param unitTiles column tiles of a unit: its work
   */
  record Product(int units, int unitTiles) {}

  /**
   * Returns where the units of each block begin, {@code [product][blocks + 1]}; a block's units end
   * where those of the next begin.
   *
   * @param products the products in the order of a step
   * @param blocks blocks of the grid, at least 1
   */
  static int[] of(List<Product> products, int blocks) {
    long[] work = new long[blocks];
    int[] starts = new int[Math.multiplyExact(products.size(), blocks + 1)];
    int at = 0;
    for (Product product : products) {
      boolean[] more = leastBusy(work, product.units() % blocks);
      int start = 0;
      for (int block = 0; block < blocks; block++) {
        starts[at++] = start;
        int units = product.units() / blocks + (more[block] ? 1 : 0);
        work[block] += (long) units * product.unitTiles();
        start += units;
      }
      starts[at++] = start;
    }
    return starts;
  }

  /** Marks the blocks with the least work, of equals the first. */
  private static boolean[] leastBusy(long[] work, int count) {
    boolean[] marked = new boolean[work.length];
    IntStream.range(0, work.length)
        .boxed()
        .sorted(Comparator.comparingLong(block -> work[block]))
        .limit(count)
        .forEach(block -> marked[block] = true);
    return marked;
  }
}
