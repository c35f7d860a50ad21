package dev.s3llm.model.quant;

import dev.s3llm.model.Codes;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.Codes.Second;
import dev.s3llm.model.io.Octets;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Compressed-tensors' {@code pack-quantized}: signed integers of 4 or 8 bits, stored above half
 * their range in words of 32 along a row, with scales and optional zeros for each row and group.
 * Source: {@code pack_quantized.py} and {@code forward.py} of compressed-tensors.
 */
final class PackedRows implements Scheme {
  private static final String WEIGHT = ".weight_packed";
  private static final String SCALE = ".weight_scale";
  private static final String ZERO = ".weight_zero_point";
  private static final String ORDER = ".weight_g_idx";

  private final int bits;
  private final int groupSize;

  /**
   * Creates the scheme.
   *
   * @param bits bits of an integer, 4 or 8
   * @param groupSize columns of a group; 0 for one group
   */
  PackedRows(int bits, int groupSize) {
    this.bits = bits;
    this.groupSize = groupSize;
  }

  @Override
  public String mark() {
    return WEIGHT;
  }

  @Override
  public Set<String> parts() {
    return Set.of(WEIGHT, SCALE, ZERO, ORDER, ".weight_shape");
  }

  @Override
  public Matrix matrix(Parts parts) {
    Numbers shape = parts.numbers(".weight_shape").shaped(2);
    int rows = shape.size(0);
    int width = shape.size(1);
    int each = 32 / bits;
    int words = (width + each - 1) / each;
    Numbers scales = parts.numbers(SCALE).of("F16", "BF16", "F32");
    int groups = groupSize == 0 ? 1 : (width + groupSize - 1) / groupSize;
    boolean whole = groupSize == 0 && scales.size() == 1;
    scales.shaped(whole ? 1 : rows, groups);
    Numbers order = parts.has(ORDER) ? parts.numbers(ORDER).of("I32", "I64").shaped(width) : null;
    return new Rows(
        parts.numbers(WEIGHT).words().shaped(rows, words),
        new Scales(scales, zeros(parts, rows, groups), order, whole, groups),
        rows,
        StoredColumns.all(width));
  }

  private @Nullable Numbers zeros(Parts parts, int rows, int groups) {
    if (!parts.has(ZERO)) {
      return null;
    }
    Numbers zeros = parts.numbers(ZERO).of("I32", "I8");
    int each = 32 / bits;
    return zeros.isWords()
        ? zeros.shaped((rows + each - 1) / each, groups)
        : zeros.shaped(rows, groups);
  }

  /** Returns an integer of a word, in {@code [-range / 2, range / 2)}. */
  private int integer(int word, int place) {
    return ((word >>> (bits * place)) & ((1 << bits) - 1)) - (1 << (bits - 1));
  }

  /** What the groups of a matrix have; {@code whole} if one scale is all rows'. */
  private record Scales(
      Numbers scales, @Nullable Numbers zeros, @Nullable Numbers order, boolean whole, int groups) {

    int[] groupOf(int width, int groupSize) {
      Numbers given = order;
      return given == null ? Numbers.groups(width, groupSize) : given.groups(groups);
    }
  }

  /** The matrix. */
  private final class Rows implements Matrix {
    private final Numbers words;
    private final Scales scales;
    private final int rows;
    private final StoredColumns columns;
    private final int width;
    private final Optional<ColumnOrder> byGroup;

    Rows(Numbers words, Scales scales, int rows, StoredColumns columns) {
      this.words = words;
      this.scales = scales;
      this.rows = rows;
      this.columns = columns;
      this.width = columns.count();
      this.byGroup = columns.order(scales.groupOf(columns.stored(), groupSize), groupSize);
    }

    @Override
    public Optional<Matrix> columns(int from, int to) {
      return Optional.of(new Rows(words, scales, rows, columns.part(from, to)));
    }

    /** Reads the integers of a row, above half their range. */
    private void integers(int row, byte[] to, int at) {
      int each = 32 / bits;
      int inRow = (columns.stored() + each - 1) / each;
      int from = columns.from() / each;
      int[] own = new int[(columns.from() + width + each - 1) / each - from];
      words.words(row * inRow + from, own);
      byte[] whole = new byte[own.length * each];
      for (int i = 0; i < own.length; i++) {
        Octets.unpack(own[i], bits, whole, i * each);
      }
      System.arraycopy(whole, columns.from() % each, to, at, width);
    }

    @Override
    public long rows() {
      return rows;
    }

    @Override
    public long width() {
      return width;
    }

    @Override
    public void decode(long first, int count, float[] to) {
      int[] groupOf = scales.groupOf(columns.stored(), groupSize);
      float[] scale = new float[scales.groups];
      int[] zero = new int[scales.groups];
      int half = 1 << (bits - 1);
      byte[] integers = new byte[width];
      for (int row = 0; row < count; row++) {
        int own = (int) first + row;
        for (int group = 0; group < scales.groups; group++) {
          scale[group] = scales.scales.real((scales.whole ? 0 : own * scales.groups) + group);
          zero[group] = zero(own, group);
        }
        integers(own, integers, 0);
        for (int i = 0; i < width; i++) {
          int group = groupOf[columns.from() + i];
          int integer = (integers[i] & 0xFF) - half;
          to[row * width + i] = (integer - zero[group]) * scale[group];
        }
      }
    }

    @Override
    public Optional<Codes.Format> format() {
      boolean four = bits == 4;
      boolean zeros = scales.zeros != null;
      if (byGroup.isEmpty() || (zeros && !four)) {
        return Optional.empty();
      }
      Kind kind = four ? Kind.UNSIGNED_4 : Kind.SIGNED_8;
      Second second = zeros ? Second.ZERO : Second.NONE;
      return Matrix.group(columns.from(), width, groupSize)
          .map(group -> new Codes.Format(kind, group, second));
    }

    @Override
    public Optional<int[]> order() {
      return byGroup.flatMap(ColumnOrder::columns);
    }

    @Override
    public void codes(int first, int count, byte[] codes, float[] to, float[] seconds) {
      Codes.Format format = format().orElseThrow();
      int inRow = width / format.group();
      int shift = bits == 4 ? 8 : 0;
      for (int row = 0; row < count; row++) {
        int own = first + row;
        for (int g = 0; g < inRow; g++) {
          int stored = groupSize == 0 ? 0 : (columns.from() + g * format.group()) / groupSize;
          int at = (scales.whole ? 0 : own * scales.groups) + stored;
          to[row * inRow + g] = scales.scales.real(at);
          if (format.second() == Second.ZERO) {
            seconds[row * inRow + g] = zero(own, stored) + shift;
          }
        }
        integers(own, codes, row * width);
      }
      for (int i = 0; bits == Byte.SIZE && i < count * width; i++) {
        codes[i] ^= (byte) 0x80;
      }
      byGroup.orElseThrow().sort(codes, count);
    }

    /** Returns a zero; packed ones follow each other down the rows. */
    private int zero(int row, int group) {
      Numbers zeros = scales.zeros;
      if (zeros == null) {
        return 0;
      }
      int each = 32 / bits;
      return zeros.isWords()
          ? integer(zeros.word(row / each * scales.groups + group), row % each)
          : (int) zeros.integer(row * scales.groups + group);
    }
  }
}
