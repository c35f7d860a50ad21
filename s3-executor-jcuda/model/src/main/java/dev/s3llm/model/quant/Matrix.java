package dev.s3llm.model.quant;

import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

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

  /** Returns how {@link #codes} reads; empty if it cannot. */
  default Optional<Codes.Format> format() {
    return Optional.empty();
  }

  /** Returns the column of each code of a row, see {@link Codes#order}. */
  default Optional<int[]> order() {
    return Optional.empty();
  }

  /** Returns how the files round what the matrix multiplies; see {@link Codes#input}. */
  default Optional<RoundedInput> input() {
    return Optional.empty();
  }

  /**
   * Reads the codes of rows, see {@link Codes#read}.
   *
   * @param first index of the first row
   * @param count number of rows
   */
  default void codes(int first, int count, byte[] codes, float[] scales, float[] seconds) {
    throw new UnsupportedOperationException();
  }

  /**
   * Returns some columns as a matrix that decodes these alone; empty where only whole rows are
   * decoded.
   *
   * @param from first column
   * @param to column after the last
   */
  default Optional<Matrix> columns(int from, int to) {
    return Optional.empty();
  }

  /** Returns the decoded matrix, which is read by slices of any size. */
  default Tensor tensor(String label) {
    return new Tensor(
        label, ElementType.F32, Math.multiplyExact(rows(), width()), new MatrixSlices(this, 0));
  }

  /**
   * Returns the group of {@link Codes} for scales that groups of some columns share; empty if there
   * is none.
   *
   * @param from first column, in the stored matrix
   * @param width number of columns
   * @param columns columns that share a scale; 0 for all
   */
  static Optional<Integer> group(int from, int width, int columns) {
    long shared = columns == 0 ? width : columns;
    for (int group : new int[] {128, 64, 32}) {
      if (shared % group == 0 && width % group == 0 && from % group == 0) {
        return Optional.of(group);
      }
    }
    return Optional.empty();
  }

  /** Reads elements from one on, decoded or as codes. */
  record MatrixSlices(Matrix matrix, long start) implements Tensor.Slices, Codes {
    @Override
    public ByteBuffer read(long at, int count) {
      ByteBuffer bytes =
          ByteBuffer.allocate(Math.multiplyExact(count, Float.BYTES))
              .order(ByteOrder.LITTLE_ENDIAN);
      long first = start + at;
      long width = matrix.width();
      if (count > 0) {
        long row = first / width;
        int rows = Math.toIntExact((first + count - 1) / width - row + 1);
        float[] decoded = new float[Math.toIntExact(rows * width)];
        matrix.decode(row, rows, decoded);
        bytes.asFloatBuffer().put(decoded, (int) (first - row * width), count);
      }
      return bytes;
    }

    @Override
    public Tensor.Slices from(long first) {
      return new MatrixSlices(matrix, start + first);
    }

    @Override
    public Optional<Tensor.Slices> columns(long width, long from, long to) {
      return width == matrix.width() && start % width == 0
          ? matrix
              .columns((int) from, (int) to)
              .map(own -> new MatrixSlices(own, start / width * own.width()))
          : Optional.empty();
    }

    @Override
    public Optional<Codes> codes() {
      return start % matrix.width() == 0 && matrix.format().isPresent()
          ? Optional.of(this)
          : Optional.empty();
    }

    @Override
    public Format format() {
      return matrix.format().orElseThrow();
    }

    @Override
    public Optional<int[]> order() {
      return matrix.order();
    }

    @Override
    public Optional<RoundedInput> input() {
      return matrix.input();
    }

    @Override
    public void read(long first, int count, byte[] codes, float[] scales, float[] seconds) {
      int row = Math.toIntExact((start + first) / matrix.width());
      matrix.codes(row, (int) (count / matrix.width()), codes, scales, seconds);
    }
  }
}
