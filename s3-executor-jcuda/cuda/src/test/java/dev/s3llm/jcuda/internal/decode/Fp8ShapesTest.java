package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.WeightFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** On an H200; {@code fp8.py} runs the same launches there. */
class Fp8ShapesTest {
  private static final Fp8Shapes SHAPES = new Fp8Shapes(132);
  private static final int SHARED_LIMIT = 227 * 1024;

  @ParameterizedTest
  @CsvSource({
    "1, 15360, 1, n16_c1, 11",
    "16, 27648, 1, n16_c1, 5", // two blocks share a multiprocessor
    "16, 5120, 2, n16_c2, 11",
    "17, 15360, 1, n32_c1, 10",
    "64, 15360, 1, n64_c1, 9",
    "128, 15360, 1, n128_c1, 6",
    "129, 15360, 1, n192_c1, 5",
    "256, 15360, 1, n256_c1, 4",
    "256, 5120, 1, n128_c1, 6",
    "512, 5120, 1, n192_c1, 5", // one wave
    "1024, 5120, 2, n128_c2, 6",
    "2048, 5120, 2, n256_c2, 4"
  })
  void rows_chooseTheKernelAndItsStages(int m, int n, int splits, String suffix, int stages) {
    Fp8Shapes.Launch launch = SHAPES.launch(m, n, splits);
    assertThat(launch.suffix()).isEqualTo(suffix);
    assertThat(launch.stages()).isEqualTo(stages);
  }

  @Test
  void blocks_fitInSharedMemory_withTheirResult() {
    for (int n : new int[] {128, 5120, 10_240, 15_360, 27_648, 152_064}) {
      for (int m = 1; m < 3000; m = 2 * m + 1) {
        Fp8Shapes.Launch launch = SHAPES.launch(m, n, 1);
        assertThat(launch.sharedBytes()).isLessThanOrEqualTo(SHARED_LIMIT);
        int result = launch.rows() * 132 * Float.BYTES; // takes the place of the stages
        assertThat(result).isLessThan(launch.sharedBytes());
        assertThat(SHAPES.all(n, 1)).extracting(Fp8Shapes.Launch::suffix).contains(launch.suffix());
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"15360, 13824, 1", "5120, 5120, 1", "5120, 13824, 2", "1024, 8192, 2"})
  void segments_areAPropertyOfTheWeight(int n, int k, int splits) {
    assertThat(Fp8Shapes.splits(n, k)).isEqualTo(splits);
  }

  @Test
  void bytes_areThoseOfCodesAndScales() {
    CodeFormat format = new CodeFormat(WeightFormat.FP8.rounded().orElseThrow(), RoundedInput.ROW);
    assertThat(format.bytes(13824, 5120) * 8 / (13824.0 * 5120)).isEqualTo(8.25);
    assertThat(format.bytes(1, 1)).isEqualTo(128 * 128 + 512);
  }
}
