package dev.s3llm.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * A tensor that is read piece by piece, so that the whole is never copied.
 *
 * @param label source and name of the tensor, for messages
 * @param type number format of the elements
 * @param elements number of elements, row-major; at least 0, a multiple of the format's block
 * @param slices reads the elements
 */
public record Tensor(String label, ElementType type, long elements, Slices slices) {
  private static final int PIECE = 1 << 20;

  /** Reads consecutive elements. Any number of threads may call it at once. */
  @FunctionalInterface
  public interface Slices {
    /**
     * Returns the bytes of some elements, little-endian, from position 0 on; valid while the source
     * is open.
     *
     * @param first index of the first element, in {@code [0, elements)}; the start of a block
     * @param count number of elements, whole blocks; together at most 2^31 - 1 bytes
     * @throws ModelFormatException if the source cannot be read
     */
    ByteBuffer read(long first, int count);

    /** Returns the codes of plain numbers that are decoded from codes as they are read. */
    default Optional<Codes> codes() {
      return Optional.empty();
    }

    /**
     * Returns some columns of a matrix, for slices that read them without the others; empty where
     * only whole rows are read.
     *
     * @param width columns of the matrix
     * @param from first column
     * @param to column after the last
     */
    default Optional<Slices> columns(long width, long from, long to) {
      return Optional.empty();
    }

    /** Returns the same from another element on. */
    default Slices from(long start) {
      return (first, count) -> read(start + first, count);
    }
  }

  /** Returns the size of all elements in bytes. */
  public long bytes() {
    return type.bytes(elements);
  }

  /**
   * Returns the bytes of some elements; see {@link Slices#read}.
   *
   * @param first index of the first element, in {@code [0, elements)}; the start of a block
   * @param count number of elements, whole blocks; together at most 2^31 - 1 bytes
   * @throws ModelFormatException if the source cannot be read
   */
  public ByteBuffer slice(long first, int count) {
    return slices.read(first, count);
  }

  /**
   * Returns a part of this tensor, such as some consecutive rows.
   *
   * @param part name of the part, for messages
   * @param first index of its first element; the start of a block
   * @param count number of its elements, whole blocks
   * @throws IndexOutOfBoundsException if the part is not inside this tensor
   */
  public Tensor part(String part, long first, long count) {
    if (first < 0 || count < 0 || first > elements - count) {
      throw new IndexOutOfBoundsException(
          "%s: elements %d to %d of %d".formatted(label, first, first + count, elements));
    }
    return new Tensor(label + " (" + part + ")", type, count, slices.from(first));
  }

  /**
   * Returns some columns of this matrix, as a matrix of fewer columns with the same rows. Where a
   * group of {@link #codes} would be cut, the part has smaller groups.
   *
   * @param part name of the part, for messages
   * @param width columns of this matrix, whole blocks
   * @param from first column
   * @param to column after the last, greater than {@code from}
   * @throws IndexOutOfBoundsException if the columns are not inside the matrix, or this tensor has
   *     no whole number of rows
   * @throws ModelFormatException if a block, or a group of 32 columns with codes, would be cut
   */
  public Tensor columns(String part, long width, long from, long to) {
    Slices rows = ColumnSlices.of(this, width, from, to);
    Slices own = slices.columns(width, from, to).orElse(rows);
    return new Tensor(label + " (" + part + ")", type, elements / width * (to - from), own);
  }

  /**
   * Returns the elements as they are quantised; empty if they are not, or in a way that {@link
   * Codes} does not describe.
   */
  public Optional<Codes> codes() {
    return type.plain() ? slices.codes() : BlockCodes.of(this);
  }

  /** Returns this tensor with its elements as single-precision numbers, decoded piece by piece. */
  public Tensor widened() {
    return type == ElementType.F32
        ? this
        : new Tensor(label, ElementType.F32, elements, this::decoded);
  }

  private ByteBuffer decoded(long first, int count) {
    int block = type.blockElements();
    long start = first / block * block;
    int lead = (int) (first - start);
    int whole = (lead + count + block - 1) / block * block;
    float[] values = new float[whole];
    Decoding.decode(type, slice(start, whole), values, 0, whole);
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(count, Float.BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values, lead, count);
    return bytes;
  }

  /**
   * Returns all elements as floats.
   *
   * @throws ModelFormatException if an array cannot hold them, one is a NaN or an infinity, or the
   *     source cannot be read
   */
  public float[] floats() {
    if (elements > Integer.MAX_VALUE - 8) {
      throw new ModelFormatException(
          "%s has %d elements, the limit is 2^31".formatted(label, elements));
    }
    float[] values = new float[(int) elements];
    for (int at = 0; at < values.length; at += PIECE) {
      int count = Math.min(PIECE, values.length - at);
      Decoding.decode(type, slice(at, count), values, at, count);
    }
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        throw new ModelFormatException("%s holds %s at element %d".formatted(label, values[i], i));
      }
    }
    return values;
  }
}
