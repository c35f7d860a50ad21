package dev.s3llm.model;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Reads some columns of a matrix, as elements or as codes. Rows are read whole, since stored rows
 * cost nothing until they are touched, and rows that are decoded are decoded faster together.
 * Blocks are never cut. A group of codes that would be cut is read as smaller groups with the same
 * scale, down to those of the fewest columns that {@link Codes} allows. Codes in another order than
 * the columns are decoded.
 */
final class ColumnSlices implements Tensor.Slices, Codes {
  /** Elements of the matrix that are read at once, if a row has no more. */
  private static final int PIECE = 1 << 20;

  /** Elements of the smallest group of codes. */
  private static final int LEAST_GROUP = 32;

  private final Tensor matrix;
  private final long width;
  private final long from;
  private final long columns;
  private final long start;

  private ColumnSlices(Tensor matrix, long width, long from, long columns, long start) {
    this.matrix = matrix;
    this.width = width;
    this.from = from;
    this.columns = columns;
    this.start = start;
  }

  /**
   * Returns columns {@code [from, to)} of a matrix; see {@link Tensor#columns}.
   *
   * @param width columns of the matrix
   */
  static ColumnSlices of(Tensor matrix, long width, long from, long to) {
    if (width < 1 || from < 0 || to <= from || to > width || matrix.elements() % width != 0) {
      throw new IndexOutOfBoundsException(
          "%s: columns %d to %d of %d, elements %d"
              .formatted(matrix.label(), from, to, width, matrix.elements()));
    }
    int unit =
        matrix.type().plain()
            ? codes(matrix).map(codes -> LEAST_GROUP).orElse(1)
            : matrix.type().blockElements();
    if (from % unit != 0 || to % unit != 0 || width % unit != 0) {
      throw new ModelFormatException(
          "%s: columns %d to %d of %d would cut a group of %d elements that share a scale"
              .formatted(matrix.label(), from, to, width, unit));
    }
    return new ColumnSlices(matrix, width, from, to - from, 0);
  }

  @Override
  public ByteBuffer read(long first, int count) {
    ElementType type = matrix.type();
    ByteBuffer to =
        ByteBuffer.allocate(Math.toIntExact(type.bytes(count))).order(ByteOrder.LITTLE_ENDIAN);
    long at = start + first;
    while (count > 0 && to.hasRemaining()) {
      long row = at / columns;
      long last = (start + first + count - 1) / columns;
      int rows = (int) Math.min(last - row + 1, rowsAtOnce());
      ByteBuffer whole = matrix.slice(row * width, Math.toIntExact(rows * width));
      for (int r = 0; r < rows; r++) {
        long column = at % columns;
        long run = Math.min(columns - column, start + first + count - at);
        long source = r * width + from + column;
        to.put(whole.slice((int) type.bytes(source), (int) type.bytes(run)));
        at += run;
      }
    }
    return to.flip();
  }

  private int rowsAtOnce() {
    return (int) Math.max(1, PIECE / width);
  }

  @Override
  public Tensor.Slices from(long first) {
    return new ColumnSlices(matrix, width, from, columns, start + first);
  }

  /** Returns the codes of which some columns can be read: those in the order of the columns. */
  private static Optional<Codes> codes(Tensor matrix) {
    return matrix.codes().filter(codes -> codes.order().isEmpty());
  }

  @Override
  public Optional<Codes> codes() {
    return start % columns == 0 && codes(matrix).isPresent() ? Optional.of(this) : Optional.empty();
  }

  /**
   * Returns the most columns that lie in one group of the matrix and divide those that are read.
   */
  private int group(Codes source) {
    int group = source.format().group();
    while ((from | columns) % group != 0) {
      group /= 2;
    }
    return group;
  }

  @Override
  public Format format() {
    Codes source = matrix.codes().orElseThrow();
    return new Format(source.format().kind(), group(source), source.format().second());
  }

  @Override
  public Optional<RoundedInput> input() {
    return matrix.codes().orElseThrow().input();
  }

  @Override
  public void read(long first, int count, byte[] codes, float[] scales, float[] seconds) {
    Codes source = matrix.codes().orElseThrow();
    int sourceGroup = source.format().group();
    boolean second = source.format().second() != Second.NONE;
    int all = Math.toIntExact(count / columns);
    int most = Math.min(all, rowsAtOnce());
    byte[] wholeCodes = new byte[Math.toIntExact(most * width)];
    float[] wholeScales = new float[wholeCodes.length / sourceGroup];
    float[] wholeSeconds = new float[second ? wholeScales.length : 0];
    int own = (int) columns;
    int group = group(source);
    int ownGroups = own / group;
    for (int done = 0; done < all; done += most) {
      int rows = Math.min(most, all - done);
      long row = (start + first) / columns + done;
      source.read(
          row * width, Math.toIntExact(rows * width), wholeCodes, wholeScales, wholeSeconds);
      for (int r = 0; r < rows; r++) {
        int at = (int) (r * width + from);
        int to = done + r;
        System.arraycopy(wholeCodes, at, codes, to * own, own);
        for (int g = 0; g < ownGroups; g++) {
          int sourceAt = (at + g * group) / sourceGroup;
          scales[to * ownGroups + g] = wholeScales[sourceAt];
          if (second) {
            seconds[to * ownGroups + g] = wholeSeconds[sourceAt];
          }
        }
      }
    }
  }
}
