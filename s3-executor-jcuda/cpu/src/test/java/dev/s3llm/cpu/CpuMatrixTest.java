package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CpuMatrixTest {
  private static final int OUT = 37;

  @ParameterizedTest
  @EnumSource(ElementType.class)
  void eachRow_isThatOfTheTensor(ElementType type) {
    int in = type.plain() ? 61 : type.blockElements() * 3;
    Tensor tensor = Matrices.random(type, OUT, in, 1);
    CpuMatrix matrix = CpuMatrix.of(tensor, OUT, in, null);
    float[] expected = tensor.floats();
    float[] row = new float[in + 3];
    for (int r = 0; r < OUT; r++) {
      matrix.row(r, row, 3);
      assertThat(Arrays.copyOfRange(row, 3, in + 3))
          .as("row %d", r)
          .usingComparatorWithPrecision(0f)
          .containsExactly(Arrays.copyOfRange(expected, r * in, (r + 1) * in));
    }
  }

  @Test
  void blocks_takeTheMemoryOfTheFile() {
    int out = 64;
    int in = 512;
    for (ElementType type : ElementType.values()) {
      if (!type.plain()) {
        Tensor tensor = Matrices.random(type, out, in, 2);
        // Each half of a super-block has its factors.
        double most = type.blockElements() > 32 ? 1.06 : 1;
        assertThat((double) CpuMatrix.of(tensor, out, in, null).bytes())
            .as("%s", type)
            .isBetween((double) tensor.bytes(), most * tensor.bytes());
      }
    }
  }

  @Test
  void subnormalScales_areExact() {
    ByteBuffer block = ByteBuffer.allocate(18).order(ByteOrder.LITTLE_ENDIAN);
    block.putShort(0, (short) 0x8003); // minus three of the smallest steps
    block.put(2, (byte) 0x0F); // column 0 is 15, column 16 is 0
    float[] row = new float[32];
    CpuMatrix.of(Matrices.of(ElementType.Q4_0, 32, block), 1, 32, null).row(0, row, 0);
    assertThat(row[0]).isEqualTo(7 * HalfFloats.fromHalf((short) 0x8003));
    assertThat(row[16]).isEqualTo(-8 * HalfFloats.fromHalf((short) 0x8003));
  }

  @Test
  void infiniteScale_isRefusedWithItsPlace() {
    Tensor good = Matrices.random(ElementType.Q4_1, 4, 64, 3);
    ByteBuffer bytes = good.slice(0, 256);
    bytes.putShort(5 * 20 + 2, (short) 0xFC00); // the minimum of row 2, second block
    Tensor bad = Matrices.of(ElementType.Q4_1, 256, bytes);
    assertThatThrownBy(() -> CpuMatrix.of(bad, 4, 64, null))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage("test.weight holds -Infinity at element 160");
  }

  @Test
  void nanWeight_isRefusedWithItsPlace() {
    ByteBuffer bytes = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putShort(14, (short) 0x7E00);
    Tensor bad = Matrices.of(ElementType.F16, 12, bytes);
    assertThatThrownBy(() -> CpuMatrix.of(bad, 4, 3, null))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage("test.weight holds NaN at element 7");
  }

  @Test
  void otherNumberOfElements_isRefused() {
    Tensor tensor = Matrices.random(ElementType.F32, 4, 4, 4);
    assertThatThrownBy(() -> CpuMatrix.of(tensor, 4, 5, null))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage("test.weight has 16 elements, a matrix of 4 rows and 5 columns has 20");
  }
}
