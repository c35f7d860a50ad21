package dev.s3llm.cpu;

import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.ModelTensors;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A matrix of weights {@code [out][in]} in the format of its tensor, arranged for the products as
 * {@link Packing} says. Rows beyond the last that fill its tile are zero.
 */
final class CpuMatrix {
  /** Rows of a tile. */
  static final int TILE = 32;

  private static final float[] NO_FLOATS = {};
  private static final int[] NO_WORDS = {};

  final Packing packing;

  /** The weights where they are {@link Packing#FLOATS}; otherwise empty. */
  final float[] floats;

  /** The weights in any other arrangement; otherwise empty. */
  final int[] words;

  final float @Nullable [] bias;

  /** How the rows that are multiplied are rounded; null if they are not. */
  final @Nullable RoundedInput input;

  /** Words or floats of one tile. */
  final int tileWords;

  private final int out;
  private final int in;

  private CpuMatrix(
      Tensor tensor,
      Packing packing,
      int out,
      int in,
      float @Nullable [] bias,
      @Nullable RoundedInput input) {
    this.packing = packing;
    this.out = out;
    this.in = in;
    this.bias = bias;
    this.input = input;
    long units = units(in, packing);
    long all = units * packing.words * ((out + TILE - 1) / TILE);
    if (all > Integer.MAX_VALUE - 8) {
      throw new ModelFormatException(
          "%s takes %d words of memory, the limit is 2^31".formatted(tensor.label(), all));
    }
    this.tileWords = (int) (units * packing.words);
    boolean plain = packing == Packing.FLOATS;
    this.floats = plain ? new float[(int) all] : NO_FLOATS;
    this.words = plain ? NO_WORDS : new int[(int) all];
  }

  /**
   * Reads a matrix, tiles side by side on the common pool of the JVM. Keeps the format, but widens
   * it to F32 where a row is no whole number of blocks.
   *
   * @param matrix the weights, row-major
   * @param out number of rows: the width of the result
   * @param in number of columns: the width of the input
   * @param bias {@code [out]}, or null
   * @throws ModelFormatException if the tensor has another number of elements, a weight is a NaN or
   *     an infinity, or the source cannot be read
   */
  static CpuMatrix of(Tensor matrix, int out, int in, float @Nullable [] bias) {
    return of(matrix, out, in, bias, null);
  }

  /** Reads a matrix with its bias and the rounding of its input; as the other one. */
  static CpuMatrix of(ModelTensors.Linear linear) {
    return of(linear.matrix(), linear.out(), linear.in(), linear.biasFloats(), linear.input());
  }

  private static CpuMatrix of(
      Tensor matrix, int out, int in, float @Nullable [] bias, @Nullable RoundedInput input) {
    if (matrix.elements() != (long) out * in) {
      throw new ModelFormatException(
          "%s has %d elements, a matrix of %d rows and %d columns has %d"
              .formatted(matrix.label(), matrix.elements(), out, in, (long) out * in));
    }
    Packing packing = Packing.of(matrix.type());
    boolean whole = in % matrix.type().blockElements() == 0;
    if (packing == Packing.FLOATS || !whole) {
      packing = Packing.FLOATS;
      matrix = matrix.widened();
    }
    CpuMatrix read = new CpuMatrix(matrix, packing, out, in, bias, input);
    Tensor weights = matrix;
    IntStream.range(0, read.tiles()).parallel().forEach(tile -> pack(weights, read, tile));
    return read;
  }

  private static void pack(Tensor weights, CpuMatrix matrix, int tile) {
    int row = tile * TILE;
    int rows = Math.min(TILE, matrix.out - row);
    ByteBuffer bytes = weights.slice((long) row * matrix.in, Math.multiplyExact(rows, matrix.in));
    TilePacker packer = new TilePacker(matrix, bytes.order(ByteOrder.LITTLE_ENDIAN));
    packer.pack(tile * matrix.tileWords, rows, element(weights, row, matrix.in));
  }

  private static TilePacker.NonFinite element(Tensor matrix, int firstRow, int in) {
    return (value, row, column) ->
        new ModelFormatException(
            "%s holds %s at element %d"
                .formatted(matrix.label(), value, (long) (firstRow + row) * in + column));
  }

  private static int units(int in, Packing packing) {
    return in / packing.columns + (in % packing.columns == 0 ? 0 : 1);
  }

  /** Returns the number of rows: the width of the result. */
  int out() {
    return out;
  }

  /** Returns the number of columns: the width of the input. */
  int in() {
    return in;
  }

  /** Returns the number of tiles. */
  int tiles() {
    return (out + TILE - 1) / TILE;
  }

  /** Returns the index of the first word of a tile's unit that has a column. */
  int unit(int tile, int column) {
    return tile * tileWords + column / packing.columns * packing.words;
  }

  /**
   * Returns the index of the first word of a quantised block's integers.
   *
   * @param column the block's first column
   */
  int integers(int tile, int column) {
    return unit(tile, column) + packing.integersAt(column % packing.columns);
  }

  /** Returns the bytes of heap that the matrix takes. */
  long bytes() {
    long weights = (long) Integer.BYTES * (floats.length + (long) words.length);
    return weights + (bias == null ? 0 : (long) Float.BYTES * bias.length);
  }

  /**
   * Decodes a row: what an embedding has for a token.
   *
   * @param row the row, below {@link #out}
   * @param to receives {@link #in} floats
   * @param at index of the first
   */
  void row(int row, float[] to, int at) {
    int tile = row / TILE * tileWords;
    int lane = row % TILE;
    for (int c = 0; c < in; c++) {
      to[at + c] = weight(tile + c / packing.columns * packing.words, lane, c % packing.columns);
    }
  }

  /** Decodes one weight: column {@code c} of the unit that begins at {@code unit}. */
  private float weight(int unit, int lane, int c) {
    return switch (packing) {
      case FLOATS -> floats[unit + lane];
      case HALVES -> Halves.toFloat(words[unit + lane] >>> (16 * c));
      case BRAIN_HALVES -> Float.intBitsToFloat(words[unit + lane] >>> (16 * c) << 16);
      default -> {
        Packing.Factors factors = packing.factors(words, unit, lane, c);
        yield packing.integer(words, unit, lane, c) * factors.scale() + factors.minimum();
      }
    };
  }
}
