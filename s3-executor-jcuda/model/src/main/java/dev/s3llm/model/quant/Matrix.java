package dev.s3llm.model.quant;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A quantised matrix {@code [rows][width]}, of which whole rows are decoded. */
interface Matrix {

  long rows();

  long width();

  /**
   * Decodes rows.
   *
   * @param first index of the first
   * @param count their number
   * @param to receives {@code count * width} floats, from index 0 on
   */
  void decode(long first, int count, float[] to);

  /** Returns the decoded matrix, which is read by slices of any size. */
  default Tensor tensor(String label) {
    return new Tensor(label, ElementType.F32, Math.multiplyExact(rows(), width()), this::read);
  }

  private ByteBuffer read(long first, int count) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(count, Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    if (count > 0) {
      long start = first / width();
      int rows = Math.toIntExact((first + count - 1) / width() - start + 1);
      float[] decoded = new float[Math.toIntExact(rows * width())];
      decode(start, rows, decoded);
      bytes.asFloatBuffer().put(decoded, (int) (first - start * width()), count);
    }
    return bytes;
  }
}
