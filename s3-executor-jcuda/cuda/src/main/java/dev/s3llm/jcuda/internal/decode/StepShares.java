package dev.s3llm.jcuda.internal.decode;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Divides the products of a step among the blocks of {@code decode_step.cu}. Each segment of a
 * product has blocks of its own, since a block fills stages worse with units of two. Of its units,
 * those that are left over when each block has the same number go to the blocks that had the least
 * work in the products before.
 */
final class StepShares {
  private StepShares() {}

  /**
   * A product.
   *
   * @param segments segments of the sum over columns
   * @param units units of work of a segment, at least 1
   * @param unitTiles column tiles of a unit: its work
   */
  record Product(int segments, int units, int unitTiles) {}

  /**
   * Returns where the units of each block begin, {@code [product][blocks + 1]}; a block's units end
   * where those of the next begin.
   *
   * @param products the products in the order of a step
   * @param blocks blocks of the grid, at least 1
   */
  static int[] of(List<Product> products, int blocks) {
    int[] starts = new int[Math.multiplyExact(products.size(), blocks + 1)];
    long[] work = new long[blocks];
    for (int p = 0; p < products.size(); p++) {
      Product product = products.get(p);
      int first = p * (blocks + 1);
      if (product.segments() > blocks) {
        int units = Math.multiplyExact(product.segments(), product.units());
        divide(units, product.unitTiles(), work, 0, blocks, starts, first);
        continue;
      }
      for (int segment = 0; segment < product.segments(); segment++) {
        int from = segment * blocks / product.segments();
        int to = (segment + 1) * blocks / product.segments();
        divide(product.units(), product.unitTiles(), work, from, to, starts, first);
      }
    }
    return starts;
  }

  /** Divides units among the blocks [from, to), after the units of those before. */
  private static void divide(
      int units, int unitTiles, long[] work, int from, int to, int[] starts, int first) {
    boolean[] more = leastBusy(work, from, to, units % (to - from));
    for (int block = from; block < to; block++) {
      int own = units / (to - from) + (more[block] ? 1 : 0);
      work[block] += (long) own * unitTiles;
      starts[first + block + 1] = starts[first + block] + own;
    }
  }

  /** Marks those of the blocks [from, to) with the least work, of equals the first. */
  private static boolean[] leastBusy(long[] work, int from, int to, int count) {
    boolean[] marked = new boolean[work.length];
    IntStream.range(from, to)
        .boxed()
        .sorted(Comparator.comparingLong(block -> work[block]))
        .limit(count)
        .forEach(block -> marked[block] = true);
    return marked;
  }
}
