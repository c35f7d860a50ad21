package dev.s3llm.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Blocks are decoded as the package gguf decodes them; see {@code src/test/reference/blocks.py}.
 */
class DecodingTest {

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"F32", "F16", "BF16"})
  void blocks_decodeToTheReferenceBitForBit(ElementType type) throws IOException {
    byte[] blocks = resource(type + ".blocks");
    float[] expected = floats(resource(type + ".floats"));
    Tensor tensor = tensor(type, blocks);
    assertThat(tensor.elements()).isEqualTo(expected.length);
    assertThat(tensor.floats()).containsExactly(expected);
    assertThat(tensor.widened().floats()).containsExactly(expected);
  }

  @ParameterizedTest
  @EnumSource(
      mode = EnumSource.Mode.EXCLUDE,
      names = {"F32", "F16", "BF16"})
  void widenedSlice_mayBeginAndEndWithinABlock(ElementType type) throws IOException {
    float[] expected = floats(resource(type + ".floats"));
    int first = type.blockElements() / 2 + 3;
    int count = type.blockElements() + 1;
    ByteBuffer slice = tensor(type, resource(type + ".blocks")).widened().slice(first, count);
    for (int i = 0; i < count; i++) {
      assertThat(slice.getFloat(4 * i)).as("element %d", i).isEqualTo(expected[first + i]);
    }
  }

  private static Tensor tensor(ElementType type, byte[] blocks) {
    long elements = (long) blocks.length / type.blockBytes() * type.blockElements();
    return new Tensor(
        "test",
        type,
        elements,
        (first, count) ->
            ByteBuffer.wrap(blocks)
                .slice((int) type.bytes(first), (int) type.bytes(count))
                .order(ByteOrder.LITTLE_ENDIAN));
  }

  private static float[] floats(byte[] bytes) {
    float[] floats = new float[bytes.length / 4];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
    return floats;
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = DecodingTest.class.getResourceAsStream("/reference/blocks/" + name)) {
      return assertThat(in).as(name).isNotNull().actual().readAllBytes();
    }
  }
}
