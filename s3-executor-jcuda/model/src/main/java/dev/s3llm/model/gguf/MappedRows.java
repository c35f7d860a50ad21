package dev.s3llm.model.gguf;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Tensors whose rows are another tensor's in another order. Rows are copied, blocks stay whole. */
final class MappedRows {
  private MappedRows() {}

  /** Says which row of the source stands at a row. */
  @FunctionalInterface
  interface Order {
    long source(long row);
  }

  /**
   * Returns a tensor with its rows in another order.
   *
   * @param width elements of a row, whole blocks
   */
  static Tensor of(Tensor source, long width, Order order) {
    return new Tensor(
        source.label(),
        source.type(),
        source.elements(),
        (first, count) -> read(source, width, order, first, count));
  }

  private static ByteBuffer read(Tensor source, long width, Order order, long first, int count) {
    ElementType type = source.type();
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(type.bytes(count))).order(ByteOrder.LITTLE_ENDIAN);
    long at = first;
    int left = count;
    while (left > 0) {
      long row = at / width;
      long column = at % width;
      int run = (int) Math.min(left, width - column);
      bytes.put(source.slice(order.source(row) * width + column, run));
      at += run;
      left -= run;
    }
    return bytes.flip();
  }

  /**
   * Returns the order that brings the rows of each head back to that of Hugging Face: llama.cpp
   * stores the first row of each half one after another, then the second of each half, and so on.
   *
   * @param headSize rows of a head, even
   */
  static Order halves(long headSize) {
    return row -> {
      long within = row % headSize;
      long half = headSize / 2;
      return row - within + 2 * (within % half) + within / half;
    };
  }
}
