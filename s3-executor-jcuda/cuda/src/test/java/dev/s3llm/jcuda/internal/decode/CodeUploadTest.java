package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.model.Codes.Format;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.Codes.Second;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Pieces of codes in the order in which the kernels that lay out tiles read them. */
class CodeUploadTest {

  @Test
  void piece_holdsPairsOfCodesThenScalesThenOffsets() {
    ByteBuffer blocks = ByteBuffer.allocate(4 * 20).order(ByteOrder.LITTLE_ENDIAN);
    for (int block = 0; block < 4; block++) {
      blocks.putShort((short) (0x3C00 + 0x400 * block)).putShort((short) 0xC000); // 2^block, -2
      for (int i = 0; i < 16; i++) {
        blocks.put((byte) (i | (15 - i) << 4));
      }
    }
    CodeFormat format = new CodeFormat(new Format(Kind.UNSIGNED_4, 32, Second.OFFSET));
    CodeUpload.Piece piece = new CodeUpload.Piece(format, 1, 64);
    ByteBuffer read = ByteBuffer.allocate(piece.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    piece.read(tensor(ElementType.Q4_1, 128, blocks).codes().orElseThrow(), 1, read);
    assertThat(read.get(0) & 0xFF).isEqualTo(0x10);
    assertThat(read.get(8) & 0xFF).isEqualTo(0xEF);
    assertThat(read.getFloat(32)).isEqualTo(4f);
    assertThat(read.getFloat(36)).isEqualTo(8f);
    assertThat(read.getFloat(40)).isEqualTo(-2f);
    assertThat(piece.bytes()).isEqualTo(48);
  }

  @Test
  void integersOfEightBits_areStoredWith128Added() {
    ByteBuffer blocks = ByteBuffer.allocate(34).order(ByteOrder.LITTLE_ENDIAN);
    blocks.putShort((short) 0x3C00).put((byte) -128).put((byte) 0).put((byte) 127);
    CodeFormat format = new CodeFormat(new Format(Kind.SIGNED_8, 32, Second.NONE));
    CodeUpload.Piece piece = new CodeUpload.Piece(format, 1, 32);
    ByteBuffer read = ByteBuffer.allocate(piece.bytes()).order(ByteOrder.LITTLE_ENDIAN);
    piece.read(tensor(ElementType.Q8_0, 32, blocks).codes().orElseThrow(), 0, read);
    assertThat(read.get(0) & 0xFF).isZero();
    assertThat(read.get(1) & 0xFF).isEqualTo(128);
    assertThat(read.get(2) & 0xFF).isEqualTo(255);
    assertThat(read.getFloat(32)).isEqualTo(1f);
  }

  @Test
  void rowsOfAPiece_fitInTheBufferInTurnsOfEight() {
    int rows = CodeUpload.rows(5120, 32 << 20);
    Format widest = new Format(Kind.SIGNED_8, 32, Second.NONE);
    assertThat(rows % 8).isZero();
    assertThat(new CodeUpload.Piece(new CodeFormat(widest), rows, 5120).bytes())
        .isBetween(1 << 22, 32 << 20);
  }

  private static Tensor tensor(ElementType type, int elements, ByteBuffer blocks) {
    return new Tensor(
        "blocks",
        type,
        elements,
        (first, count) ->
            blocks
                .slice((int) type.bytes(first), (int) type.bytes(count))
                .order(ByteOrder.LITTLE_ENDIAN));
  }
}
