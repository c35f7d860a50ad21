package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.jcuda.internal.driver.Grid;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ProductShapesTest {
  private static final int MULTIPROCESSORS = 132;
  private static final ProductShapes H200 = new ProductShapes(true, MULTIPROCESSORS);
  private static final ProductShapes OTHERS = new ProductShapes(false, MULTIPROCESSORS);

  @ParameterizedTest
  @CsvSource({
    "15360, 5120, 1",
    "27648, 5120, 1",
    "5120, 5120, 4",
    "5120, 13824, 4",
    "6656, 6656, 4",
    "6656, 3328, 2", // the sum is short
    "5120, 2560, 4",
    "6144, 4096, 4",
    "768, 256, 1",
    "1000, 4096, 8"
  })
  void splits_areAPropertyOfTheWeight(int n, int k, int splits) {
    assertThat(ProductShapes.splits(n, k)).isEqualTo(splits);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 15360, 1, r2_n16_c1",
    "17, 15360, 1, r2_n32_c1",
    "64, 15360, 1, r2_n64_deep",
    "128, 15360, 1, m128_n128",
    "256, 15360, 1, m128_n240_pair",
    "2048, 15360, 1, m128_n240_pair",
    "512, 16384, 1, m128_n256",
    "16, 17920, 1, r2_n16_many",
    "17, 17920, 1, r2_n32_c1",
    "65, 17920, 1, m128_n144",
    "128, 24576, 1, m128_n192",
    "1, 27648, 1, r2_n16_many",
    "64, 27648, 1, r2_n64_c1",
    "128, 27648, 1, m128_n224",
    "512, 27648, 1, m128_n224",
    "1024, 27648, 1, m128_n192_pair",
    "1, 35840, 1, r2_n16_many",
    "48, 35840, 1, r2_n64_many",
    "128, 35840, 1, m128_n144",
    "256, 35840, 1, m128_n192_pair",
    "1, 6656, 2, r2_n16_c2",
    "64, 6656, 2, r2_n64_c2",
    "64, 8192, 2, r2_n64_c2",
    "1, 9984, 2, r2_n32_c2",
    "64, 9984, 2, r3_n64_c2",
    "1, 5120, 4, r2_n32_c4",
    "32, 5120, 4, r2_n32_c4",
    "64, 5120, 4, r3_n64_c4",
    "65, 5120, 4, m64_n80",
    "128, 5120, 4, m64_n80",
    "256, 5120, 4, m128_n80",
    "384, 5120, 4, m128_n128",
    "512, 5120, 4, m128_n160_pair",
    "2048, 5120, 4, m128_n160_pair",
    "64, 3072, 4, r2_n64_c4",
    "1, 4096, 4, r2_n16_c4",
    "64, 4096, 4, r3_n64_c4",
    "256, 4096, 4, m128_n64",
    "512, 4096, 4, m128_n128",
    "512, 6144, 4, m128_n192_pair",
    "128, 6656, 4, m128_n64",
    "256, 6656, 4, m128_n112",
    "128, 2048, 8, r3_n128_c8",
    "256, 2048, 8, m128_n64"
  })
  void configuration_followsTheRows(int m, int n, int splits, String suffix) {
    assertThat(H200.configuration(m, n, splits).suffix()).isEqualTo(suffix);
  }

  /** 257 rows are three tiles of 128, 5120 columns 64 of 80, 40 of 128 or 32 of 160. */
  @ParameterizedTest
  @CsvSource({"128, 128", "129, 128", "257, 120", "512, 128", "513, 132", "2048, 132"})
  void tilesOfManyRows_areSharedAmongTheMultiprocessors(int m, int blocks) {
    assertThat(H200.configuration(m, 5120, 4).grid(m, 5120)).isEqualTo(Grid.of(blocks));
  }

  @Test
  void fewRows_haveABlockForEachTileAndSegment() {
    assertThat(H200.configuration(64, 5120, 4).grid(64, 5120)).isEqualTo(new Grid(4, 1, 27));
  }

  @ParameterizedTest
  @CsvSource({
    "15360, 1",
    "17920, 1",
    "27648, 1",
    "35840, 1",
    "6656, 2",
    "9984, 2",
    "5120, 4",
    "4096, 4",
    "3072, 4",
    "2048, 8",
    "9000, 4"
  })
  void whateverTheRowsChoose_isLoaded(int n, int splits) {
    for (int m = 1; m <= 5000; m++) {
      assertThat(H200.all(n, splits)).contains(H200.configuration(m, n, splits));
      assertThat(OTHERS.all(n, splits)).contains(OTHERS.configuration(m, n, splits));
    }
  }
}
