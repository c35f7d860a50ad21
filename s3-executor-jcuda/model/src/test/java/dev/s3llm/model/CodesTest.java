package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.testing.CodedFloats;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The codes of blocks give the elements that decoding gives. */
class CodesTest {
  static final int WIDTH = 512;

  @ParameterizedTest
  @EnumSource(names = {"Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "MXFP4"})
  void codesOfBlocks_giveTheElements(ElementType type) {
    Tensor tensor = random(type);
    assertSame(tensor);
    Tensor rows = tensor.part("rows", 2 * WIDTH, 3 * WIDTH);
    assertSame(rows);
  }

  /** A zero of the elements has no sign where codes have one. */
  private static void assertSame(Tensor tensor) {
    assertThat(CodedFloats.of(tensor, WIDTH))
        .usingComparatorWithPrecision(0f)
        .containsExactly(tensor.floats());
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void otherFormats_haveNoCodes(ElementType type) {
    assertThat(random(type).codes()).isEmpty();
  }

  @Test
  void partOfPlainNumbers_readsFromItsFirstElement() {
    Tensor tensor = random(ElementType.F32);
    float[] all = tensor.floats();
    assertThat(tensor.part("part", 5, 1).floats()).containsExactly(all[5]);
  }

  /** Random blocks whose half-precision scales are finite. */
  static Tensor random(ElementType type) {
    int elements = 8 * WIDTH;
    byte[] bytes = new byte[(int) type.bytes(elements)];
    new Random(3).nextBytes(bytes);
    ByteBuffer all = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < bytes.length; at += type.blockBytes()) {
      if (type == ElementType.MXFP4) {
        bytes[at] = (byte) (100 + (bytes[at] & 31));
      } else {
        int scale = type == ElementType.Q6_K ? at + 208 : at;
        for (int i = scale; i < Math.min(bytes.length - 1, scale + 4); i += 2) {
          all.putShort(i, (short) (all.getShort(i) & 0xBBFF)); // exponents below the largest
        }
      }
    }
    return new Tensor(
        "random",
        type,
        elements,
        (first, count) ->
            all.slice((int) type.bytes(first), (int) type.bytes(count))
                .order(ByteOrder.LITTLE_ENDIAN));
  }
}
