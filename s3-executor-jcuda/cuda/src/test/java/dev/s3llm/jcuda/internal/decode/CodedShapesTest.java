package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.jcuda.internal.driver.Divide;
import dev.s3llm.jcuda.internal.driver.Grid;
import dev.s3llm.model.Codes;
import dev.s3llm.model.Codes.Format;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.Codes.Second;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Launches and sizes of matrices with codes. */
class CodedShapesTest {
  private static final int SHARED_LIMIT = 227 * 1024;
  private static final CodedShapes HOPPER = new CodedShapes(true, 132);

  @ParameterizedTest
  @CsvSource({
    "1, 1, few_c1",
    "16, 5, few_c5",
    "32, 8, few_c8",
    "33, 5, n64_c5",
    "64, 1, n64_c1",
    "65, 2, n128_c2",
    "128, 8, n128_c8",
    "129, 5, n96_tiles",
    "256, 8, n96_tiles",
    "384, 5, n128_tiles",
    "512, 5, n176_tiles",
    "768, 2, n256_tiles",
    "1024, 8, n176_tiles",
    "1024, 1, n176_tiles"
  })
  void kernel_isChosenByRowsAndSegments(int m, int splits, String suffix) {
    CodeFormat format = format(Kind.UNSIGNED_4, 128, Second.NONE);
    assertThat(HOPPER.launch(format, m, 5120, splits).suffix()).isEqualTo(suffix);
    assertThat(new CodedShapes(false, 132).launch(format, m, 5120, splits).suffix())
        .isEqualTo(m <= 16 ? "mma_n16" : "mma_n64");
  }

  @ParameterizedTest
  @CsvSource({"1, n16_c5", "8, n16_c5", "9, few_c5", "32, few_c5", "33, n64_c5"})
  void fewestRowsOfEightBits_haveTheirOwnKernel(int m, String suffix) {
    CodeFormat format = format(Kind.E4M3, 128, Second.NONE);
    assertThat(HOPPER.launch(format, m, 5120, 5).suffix()).isEqualTo(suffix);
    assertThat(HOPPER.all(format, 5120, 5))
        .extracting(ProductLaunch::suffix)
        .contains(suffix)
        .doesNotHaveDuplicates();
  }

  @ParameterizedTest
  @CsvSource({
    "160, 15360, n176_tiles",
    "256, 15360, n256_tiles",
    "384, 27648, n128_tiles",
    "1024, 15360, n256_tiles",
    "1024, 27648, n256_whole"
  })
  void tiles_areThoseThatFillTheMultiprocessors(int m, int n, String suffix) {
    CodeFormat format = format(Kind.UNSIGNED_4, 128, Second.NONE);
    ProductLaunch launch = HOPPER.launch(format, m, n, CodedShapes.splits(n, 5120));
    assertThat(launch.suffix()).isEqualTo(suffix);
    assertThat(launch.grid(m, n)).isEqualTo(Grid.of(Math.min(132, tiles(launch, m, n))));
  }

  private static int tiles(ProductLaunch launch, int m, int n) {
    return Divide.up(m, launch.rows()) * Divide.up(n, launch.columns());
  }

  @Test
  void everyLaunchThatIsChosen_isLoadedBefore() {
    CodeFormat format = format(Kind.SIGNED_8, 32, Second.NONE);
    for (int n : new int[] {512, 5120, 15360, 27648}) {
      int splits = CodedShapes.splits(n, 5120);
      for (int m = 1; m <= 2048; m++) {
        assertThat(HOPPER.all(format, n, splits))
            .extracting(ProductLaunch::suffix)
            .contains(HOPPER.launch(format, m, n, splits).suffix());
      }
    }
  }

  @Test
  void blocksOfSixtyFourAndMoreRows_shareTheReadOfTwoTiles() {
    CodeFormat format = format(Kind.UNSIGNED_4, 128, Second.NONE);
    for (ProductLaunch launch : HOPPER.all(format, 5120, 5)) {
      if (launch.suffix().startsWith("few")) {
        continue;
      }
      boolean two = launch.suffix().equals("n64_c5") || launch.suffix().equals("n128_c5");
      assertThat(launch.columns()).as(launch.suffix()).isEqualTo(two ? 256 : 128);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "27648, 1, 1, 132", // 1,728 units of 16 columns
    "1024, 1, 1, 64",
    "15360, 2, 2, 66",
    "5120, 5, 5, 46",
    "1024, 8, 8, 29",
    "40, 8, 8, 3",
    "18000, 2, 2, 66",
    "60000, 2, 2, 125", // 3,750 units, at most 30 for a block
    "10000, 5, 5, 46",
    "12000, 5, 5, 54" // 750 units, at most 14 for a block
  })
  void blocksForFewRows_shareTheColumns(int n, int splits, int x, int z) {
    CodeFormat format = format(Kind.UNSIGNED_4, 128, Second.NONE);
    assertThat(HOPPER.launch(format, 9, n, splits).grid(9, n)).isEqualTo(new Grid(x, 1, z));
    assertThat(HOPPER.launch(format, 9, n, splits).grid(33, n)).isEqualTo(new Grid(x, 2, z));
  }

  @Test
  void largeClustersForManyRows_takeOneRoundOfUnits() {
    CodeFormat format = format(Kind.UNSIGNED_4, 128, Second.NONE);
    assertThat(HOPPER.launch(format, 16, 7680, 5).grid(16, 7680)).isEqualTo(new Grid(5, 1, 46));
    assertThat(HOPPER.launch(format, 17, 7680, 5).grid(17, 7680)).isEqualTo(new Grid(5, 1, 69));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void blocks_fitInSharedMemory(Kind kind) {
    CodeFormat format = format(kind, 32, Second.NONE);
    for (int splits : new int[] {1, 2, 5, 8}) {
      for (ProductLaunch launch : HOPPER.all(format, 5120, splits)) {
        assertThat(launch.sharedBytes()).as(launch.suffix()).isLessThanOrEqualTo(SHARED_LIMIT);
      }
    }
    for (int rows : new int[] {16, 64}) { // sm_86 and sm_89 have 99 KiB
      assertThat(CodedShapes.mma(format, rows).sharedBytes()).isLessThanOrEqualTo(99 * 1024);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "27648, 5120, 1",
    "15360, 5120, 2",
    "5120, 5120, 5",
    "5120, 13824, 5",
    "1024, 4096, 8",
    "1024, 512, 2",
    "4096, 1152, 2",
    "1024, 1280, 5"
  })
  void segments_areAPropertyOfTheWeight(int n, int k, int splits) {
    assertThat(CodedShapes.splits(n, k)).isEqualTo(splits);
  }

  @Test
  void bytes_areThoseOfCodesAndScales() {
    double elements = 13824.0 * 5120;
    assertThat(format(Kind.UNSIGNED_4, 128, Second.NONE).bytes(13824, 5120) * 8 / elements)
        .isEqualTo(4.125);
    assertThat(format(Kind.UNSIGNED_4, 128, Second.ZERO).bytes(13824, 5120) * 8 / elements)
        .isEqualTo(4.25);
    assertThat(format(Kind.UNSIGNED_4, 32, Second.OFFSET).bytes(13824, 5120) * 8 / elements)
        .isEqualTo(5.0);
    assertThat(format(Kind.E4M3, 128, Second.NONE).bytes(13824, 5120) * 8 / elements)
        .isEqualTo(8.125);
    assertThat(format(Kind.UNSIGNED_4, 128, Second.NONE).bytes(1, 1)).isEqualTo(8192 + 256);
  }

  private static CodeFormat format(Kind kind, int group, Second second) {
    return new CodeFormat(new Format(kind, group, second));
  }

  @ParameterizedTest
  @CsvSource({
    "UNSIGNED_4, 16, NONE, false",
    "UNSIGNED_4, 128, OFFSET, false",
    "UNSIGNED_4, 64, OFFSET, false",
    "UNSIGNED_4, 32, OFFSET, true",
    "UNSIGNED_4, 64, ZERO, true",
    "SIGNED_8, 16, NONE, true",
    "SIGNED_8, 16, OFFSET, false",
    "SIGNED_8, 32, OFFSET, true",
    "SIGNED_8, 64, OFFSET, false",
    "SIGNED_8, 32, ZERO, false",
    "E4M3, 16, NONE, false",
    "E4M3, 64, NONE, true",
    "E2M1, 32, OFFSET, false"
  })
  void formatsOfCodes_areThoseThatKernelsRead(Kind kind, int group, Second second, boolean read) {
    assertThat(CodeFormat.of(new Format(kind, group, second)).isPresent()).isEqualTo(read);
  }

  @Test
  void numbersOfKernels_followTheSources() {
    assertThat(format(Kind.UNSIGNED_4, 32, Second.OFFSET).scales()).isEqualTo(4 | 2 << 4);
    assertThat(format(Kind.SIGNED_8, 128, Second.NONE).scales()).isEqualTo(1);
    assertThat(Codes.Kind.values()).hasSize(4);
  }
}
