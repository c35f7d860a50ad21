package dev.s3llm.model.quant;

import dev.s3llm.model.Codes;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.Codes.Second;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RawTensor;
import dev.s3llm.model.RoundedInput;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Matrices of small numbers (fp8, int8) in {@code weight} itself, with scales beside it: one for
 * the matrix, for each row, for each group of a row, or for each block of rows and columns. What a
 * scale is for is seen from how many there are.
 */
final class ScaledElements implements Scheme {
  private static final String WEIGHT = ".weight";
  private static final String ZERO = ".weight_zero_point";

  /** Scales of activations and of the cache; no tensors of the model themselves. */
  private static final Set<String> UNUSED =
      Set.of(
          ".input_scale",
          ".output_scale",
          ".k_scale",
          ".v_scale",
          ".q_scale",
          ".input_scale_ub",
          ".activation_scale",
          ".input_zero_point");

  private final Set<String> types;
  private final List<String> scaleNames;
  private final int blockRows;
  private final int blockColumns;
  private final float factor;
  private final InputRule inputs;

  /** How the input of a module's matrix is rounded; empty if it is not. */
  @FunctionalInterface
  interface InputRule {
    /** No input is rounded. */
    InputRule NONE = parts -> Optional.empty();

    Optional<RoundedInput> of(Parts parts);
  }

  /**
   * Creates the scheme.
   *
   * @param types number types of quantised matrices
   * @param scaleNames ends of the names that the scales may have
   * @param blockRows rows of a block, where scales are for blocks
   * @param blockColumns columns of a block or of a group
   * @param factor constant factor of all elements
   * @param inputs how inputs are rounded
   */
  ScaledElements(
      Set<String> types,
      List<String> scaleNames,
      int blockRows,
      int blockColumns,
      float factor,
      InputRule inputs) {
    this.types = types;
    this.scaleNames = scaleNames;
    this.blockRows = blockRows;
    this.blockColumns = blockColumns;
    this.factor = factor;
    this.inputs = inputs;
  }

  @Override
  public String mark() {
    return WEIGHT;
  }

  @Override
  public Set<String> parts() {
    Set<String> parts = new HashSet<>(scaleNames);
    parts.add(ZERO);
    parts.add(".weight_format");
    return parts;
  }

  @Override
  public Set<String> unused() {
    return UNUSED;
  }

  @Override
  public boolean quantised(Parts parts) {
    return types.contains(parts.raw(WEIGHT).dtype());
  }

  @Override
  public Matrix matrix(Parts parts) {
    RawTensor weight = parts.raw(WEIGHT);
    int rows = parts.size(WEIGHT, 2, 0);
    int width = parts.size(WEIGHT, 2, 1);
    requireRowMajor(parts);
    Numbers scales = null;
    for (String name : scaleNames) {
      if (scales == null && parts.has(name)) {
        scales = parts.numbers(name);
      }
    }
    if (scales == null) {
      throw new ModelFormatException(
          "%s has no scales; %s needs one of %s"
              .formatted(weight.label(), parts.module(), String.join(", ", scaleNames)));
    }
    return new Elements(
        new Numbers(weight),
        scales,
        parts.has(ZERO) ? parts.numbers(ZERO).of("I8", "I32") : null,
        grid(scales, rows, width),
        rows,
        StoredColumns.all(width),
        inputs.of(parts));
  }

  private static void requireRowMajor(Parts parts) {
    if (parts.has(".weight_format") && parts.numbers(".weight_format").integer(0) != 0) {
      throw parts.numbers(".weight_format").bad("is not 0 (rows), other orders are not supported");
    }
  }

  /** The rows and columns that share a scale, and the number of scales in a row of scales. */
  private record Grid(int rows, int columns, int scalesInRow) {}

  private Grid grid(Numbers scales, int rows, int width) {
    if (blockColumns > 0) {
      int down = (rows + blockRows - 1) / blockRows;
      int across = (width + blockColumns - 1) / blockColumns;
      if (scales.isShaped(down, across)) {
        return new Grid(blockRows, blockColumns, across);
      }
    }
    if (scales.size() == 1) {
      return new Grid(rows, width, 1);
    }
    if (scales.isShaped(rows) || scales.isShaped(rows, 1)) {
      return new Grid(1, width, 1);
    }
    String blocks =
        blockColumns > 0
            ? " or one for each block of %d rows and %d columns".formatted(blockRows, blockColumns)
            : "";
    throw scales.bad(
        "must be one scale, or one for each of %d rows%s of a matrix of %d columns"
            .formatted(rows, blocks, width));
  }

  /** The matrix. */
  private final class Elements implements Matrix {
    private final Numbers weights;
    private final Numbers scales;
    private final @Nullable Numbers zeros;
    private final Grid grid;
    private final int rows;
    private final StoredColumns columns;
    private final int width;
    private final Optional<RoundedInput> input;

    Elements(
        Numbers weights,
        Numbers scales,
        @Nullable Numbers zeros,
        Grid grid,
        int rows,
        StoredColumns columns,
        Optional<RoundedInput> input) {
      this.weights = weights;
      this.scales = scales;
      this.zeros = zeros == null ? null : zeros.sized(scales.size());
      this.grid = grid;
      this.rows = rows;
      this.columns = columns;
      this.width = columns.count();
      this.input = input;
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
    public Optional<Matrix> columns(int from, int to) {
      StoredColumns own = columns.part(from, to);
      return Optional.of(new Elements(weights, scales, zeros, grid, rows, own, input));
    }

    /** Returns the index of the first weight of a row. */
    private int place(int row) {
      return row * columns.stored() + columns.from();
    }

    @Override
    public void decode(long first, int count, float[] to) {
      for (int row = 0; row < count; row++) {
        int own = (int) first + row;
        weights.reals(place(own), width, to, row * width);
        int scaleRow = own / grid.rows * grid.scalesInRow;
        for (int start = 0; start < width; ) {
          int block = (columns.from() + start) / grid.columns;
          int end = Math.min(width, (block + 1) * grid.columns - columns.from());
          int at = scaleRow + block;
          float scale = scales.real(at);
          Numbers zeroPoints = zeros;
          float zero = zeroPoints == null ? 0 : zeroPoints.integer(at);
          for (int i = start; i < end; i++) {
            int element = row * width + i;
            to[element] = (to[element] - zero) * scale * factor;
          }
          start = end;
        }
      }
    }

    @Override
    public Optional<Codes.Format> format() {
      Optional<Kind> kind =
          switch (weights.type()) {
            case "I8" -> Optional.of(Kind.SIGNED_8);
            case "F8_E4M3" -> Optional.of(Kind.E4M3);
            default -> Optional.empty();
          };
      return zeros != null || kind.isEmpty()
          ? Optional.empty()
          : Matrix.group(columns.from(), width, grid.columns)
              .map(group -> new Codes.Format(kind.get(), group, Second.NONE));
    }

    @Override
    public Optional<RoundedInput> input() {
      return weights.type().equals("F8_E4M3") ? input : Optional.empty();
    }

    @Override
    public void codes(int first, int count, byte[] codes, float[] to, float[] seconds) {
      int group = format().orElseThrow().group();
      int inRow = width / group;
      for (int row = 0; row < count; row++) {
        weights.octets(place(first + row), width, codes, row * width);
        int scaleRow = (first + row) / grid.rows * grid.scalesInRow;
        for (int g = 0; g < inRow; g++) {
          to[row * inRow + g] =
              scales.real(scaleRow + (columns.from() + g * group) / grid.columns) * factor;
        }
      }
    }
  }
}
