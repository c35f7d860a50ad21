package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.jcuda.internal.decode.StepShares.Product;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class StepSharesTest {
  private static final int BLOCKS = 132;

  /** A layer of llama-13b: units of 16 rows, four segments where products have few columns. */
  private static final List<Product> LAYER =
      List.of(
          new Product(1, 960, 80),
          new Product(4, 320, 20),
          new Product(1, 1728, 80),
          new Product(4, 320, 54));

  @Test
  void blocks_haveAllUnitsOfAProduct_andAsManyAsOthersButForOne() {
    int[] starts = StepShares.of(LAYER, BLOCKS);
    for (int p = 0; p < LAYER.size(); p++) {
      int units = LAYER.get(p).segments() * LAYER.get(p).units();
      int first = p * (BLOCKS + 1);
      assertThat(starts[first]).isZero();
      assertThat(starts[first + BLOCKS]).isEqualTo(units);
      for (int block = 0; block < BLOCKS; block++) {
        assertThat(starts[first + block + 1] - starts[first + block])
            .isBetween(units / BLOCKS, units / BLOCKS + 1);
      }
    }
  }

  @Test
  void noBlock_fallsBehindByMoreThanTwoUnits_howeverManyProducts() {
    List<Product> all = new ArrayList<>();
    Collections.nCopies(40, LAYER).forEach(all::addAll);
    int[] starts = StepShares.of(all, BLOCKS);
    long[] work = new long[BLOCKS];
    for (int p = 0; p < all.size(); p++) {
      long most = 0;
      long least = Long.MAX_VALUE;
      for (int block = 0; block < BLOCKS; block++) {
        int i = p * (BLOCKS + 1) + block;
        work[block] += (long) (starts[i + 1] - starts[i]) * all.get(p).unitTiles();
        most = Math.max(most, work[block]);
        least = Math.min(least, work[block]);
      }
      assertThat(most - least).as("product %d", p).isLessThanOrEqualTo(2 * 80);
    }
  }

  /** Down of llama-1b: 132 blocks are no multiple of eight segments. */
  @Test
  void noBlock_hasUnitsOfTwoSegments() {
    int[] starts = StepShares.of(List.of(new Product(8, 128, 16)), BLOCKS);
    for (int block = 0; block < BLOCKS; block++) {
      assertThat((starts[block + 1] - 1) / 128).isEqualTo(starts[block] / 128);
      assertThat(starts[block + 1] - starts[block]).isBetween(7, 8);
    }
    assertThat(starts[BLOCKS]).isEqualTo(8 * 128);
  }

  @Test
  void moreSegmentsThanBlocks_areDividedAsOne() {
    assertThat(StepShares.of(List.of(new Product(8, 1, 5)), 3)).containsExactly(0, 3, 6, 8);
  }

  @Test
  void fewerUnitsThanBlocks_leaveBlocksWithoutWork() {
    int[] starts = StepShares.of(List.of(new Product(1, 2, 1), new Product(1, 2, 1)), 3);
    assertThat(starts).containsExactly(0, 1, 2, 2, 0, 1, 1, 2);
  }
}
