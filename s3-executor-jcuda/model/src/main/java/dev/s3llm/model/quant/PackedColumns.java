package dev.s3llm.model.quant;

import dev.s3llm.model.Codes;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.Codes.Second;
import dev.s3llm.model.io.Octets;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * GPTQ and AWQ: unsigned integers of 4 or 8 bits in words of 32, stored as {@code [in][out]}, with
 * a scale and a zero for each group of inputs and each output. Sources: {@code qlinear_cuda_old.py}
 * of AutoGPTQ, {@code packing_utils.py} of AutoAWQ.
 */
final class PackedColumns implements Scheme {
  /** Inputs of a piece, so that lines of a cache are read once for all outputs. */
  private static final int TILE = 16;

  private final Packing packing;
  private final int groupSize;
  private final int zeroOffset;

  /**
   * Creates the scheme.
   *
   * @param groupSize inputs of a group; 0 for one group
   * @param zeroOffset what is added to a stored zero, modulo the integers' range
   */
  PackedColumns(Packing packing, int groupSize, int zeroOffset) {
    this.packing = packing;
    this.groupSize = groupSize;
    this.zeroOffset = zeroOffset;
  }

  /**
   * How integers lie in words.
   *
   * @param bits bits of an integer, 4 or 8
   * @param awq whether a word of weights holds outputs; else it holds consecutive inputs
   */
  record Packing(int bits, boolean awq) {
    /** Which four bits of a word hold each of eight outputs. */
    private static final int[] AWQ_PLACES = {0, 4, 1, 5, 2, 6, 3, 7};

    int each() {
      return 32 / bits;
    }

    int zero(Numbers words, int group, int out, int outs) {
      int each = each();
      int word = words.word(group * (outs / each) + out / each);
      return integer(word, awq ? AWQ_PLACES[out % each] : out % each);
    }

    private int integer(int word, int place) {
      return (word >>> (bits * place)) & ((1 << bits) - 1);
    }
  }

  @Override
  public String mark() {
    return ".qweight";
  }

  @Override
  public Set<String> parts() {
    return Set.of(".qweight", ".qzeros", ".scales", ".g_idx");
  }

  @Override
  public Matrix matrix(Parts parts) {
    int each = packing.each();
    int first = parts.size(".qweight", 2, 0);
    int second = parts.size(".qweight", 2, 1);
    int in = packing.awq ? first : first * each;
    int out = packing.awq ? second * each : second;
    int groups = groupSize == 0 ? 1 : (in + groupSize - 1) / groupSize;
    Numbers zeros = parts.numbers(".qzeros").words().shaped(groups, out / each);
    if (out % each != 0) {
      throw zeros.bad("has %d outputs, which fill no whole words".formatted(out));
    }
    Numbers order = null;
    if (!packing.awq && parts.has(".g_idx")) {
      order = parts.numbers(".g_idx").of("I32", "I64").shaped(in);
    }
    Numbers scales = parts.numbers(".scales").of("F16", "BF16", "F32").shaped(groups, out);
    return new Columns(
        parts.numbers(".qweight").words(),
        zeros,
        scales,
        order,
        out,
        StoredColumns.all(in),
        groups);
  }

  /** The matrix as {@code [out][in]}. */
  private final class Columns implements Matrix {
    private final Numbers weights;
    private final Numbers zeros;
    private final Numbers scales;
    private final @Nullable Numbers order;
    private final int out;
    private final StoredColumns inputs;
    private final int in;
    private final int groups;
    private final Optional<ColumnOrder> byGroup;
    private final Optional<Codes.Format> format;

    Columns(
        Numbers weights,
        Numbers zeros,
        Numbers scales,
        @Nullable Numbers order,
        int out,
        StoredColumns inputs,
        int groups) {
      this.weights = weights;
      this.zeros = zeros;
      this.scales = scales;
      this.order = order;
      this.out = out;
      this.inputs = inputs;
      this.in = inputs.count();
      this.groups = groups;
      this.byGroup = inputs.order(groupOf(), groupSize);
      this.format = findFormat();
    }

    @Override
    public long rows() {
      return out;
    }

    @Override
    public long width() {
      return in;
    }

    /** Words that hold several inputs are not cut. */
    @Override
    public Optional<Matrix> columns(int from, int to) {
      StoredColumns own = inputs.part(from, to);
      boolean whole = own.from() % packing.each() == 0 && own.count() % packing.each() == 0;
      return packing.awq || whole
          ? Optional.of(new Columns(weights, zeros, scales, order, out, own, groups))
          : Optional.empty();
    }

    @Override
    public void decode(long first, int count, float[] to) {
      int start = (int) first;
      float[] scale = new float[count * groups];
      int[] zero = new int[count * groups];
      for (int group = 0; group < groups; group++) {
        for (int row = 0; row < count; row++) {
          scale[row * groups + group] = scales.real(group * out + start + row);
          zero[row * groups + group] = zero(group, start + row);
        }
      }
      int[] groupOf = groupOf();
      byte[] integers = new byte[count * in];
      integers(start, count, integers);
      for (int row = 0; row < count; row++) {
        for (int i = 0; i < in; i++) {
          int at = row * groups + groupOf[inputs.from() + i];
          to[row * in + i] = scale[at] * ((integers[row * in + i] & 0xFF) - zero[at]);
        }
      }
    }

    /** Returns the group of each stored input. */
    private int[] groupOf() {
      Numbers given = order;
      return given == null ? Numbers.groups(inputs.stored(), groupSize) : given.groups(groups);
    }

    /** Reads the unsigned integers of some outputs, {@code [count][in]}. */
    private void integers(int first, int count, byte[] to) {
      if (packing.awq) {
        for (int tile = 0; tile < in; tile += TILE) {
          outputsOfWords(tile, Math.min(in, tile + TILE), first, count, to);
        }
      } else {
        inputsOfWords(first, count, to);
      }
    }

    private void inputsOfWords(int first, int count, byte[] to) {
      int each = packing.each();
      int before = inputs.from() / each;
      int[] words = new int[count];
      for (int own = 0; own < in / each; own++) {
        weights.words((before + own) * out + first, words);
        for (int row = 0; row < count; row++) {
          Octets.unpack(words[row], packing.bits, to, row * in + own * each);
        }
      }
    }

    private void outputsOfWords(int from, int end, int first, int count, byte[] to) {
      int each = packing.each();
      for (int row = 0; row < count; ) {
        int place = (first + row) % each;
        int rows = Math.min(each - place, count - row);
        int i = from;
        for (; rows == Octets.SIZE && i + Octets.SIZE <= end; i += Octets.SIZE) {
          eightWords(i, first + row, to, row * in + i);
        }
        for (; i < end; i++) {
          int word = weights.word((inputs.from() + i) * (out / each) + (first + row) / each);
          for (int k = 0; k < rows; k++) {
            to[(row + k) * in + i] = (byte) packing.integer(word, Packing.AWQ_PLACES[place + k]);
          }
        }
        row += rows;
      }
    }

    /** Reads the integers of eight inputs and of the eight outputs of a word. */
    private void eightWords(int input, int output, byte[] to, int at) {
      long[] octets = new long[Octets.SIZE];
      int inRow = out / packing.each();
      for (int k = 0; k < Octets.SIZE; k++) {
        int word = weights.word((inputs.from() + input + k) * inRow + output / Octets.SIZE);
        octets[k] = Octets.nibbles(word);
      }
      Octets.transpose(octets);
      for (int k = 0; k < Octets.SIZE; k++) {
        Octets.put(to, at + k * in, octets[Packing.AWQ_PLACES[k]]);
      }
    }

    @Override
    public Optional<Codes.Format> format() {
      return format;
    }

    /** Integers of 8 bits have codes where all zeros are in the middle of their range. */
    private Optional<Codes.Format> findFormat() {
      if (byGroup.isEmpty() || (packing.bits == 8 && !centred())) {
        return Optional.empty();
      }
      boolean four = packing.bits == 4;
      Kind kind = four ? Kind.UNSIGNED_4 : Kind.SIGNED_8;
      Second second = four ? Second.ZERO : Second.NONE;
      return Matrix.group(inputs.from(), in, groupSize)
          .map(group -> new Codes.Format(kind, group, second));
    }

    @Override
    public Optional<int[]> order() {
      return byGroup.flatMap(ColumnOrder::columns);
    }

    private boolean centred() {
      for (int group = 0; group < groups; group++) {
        for (int output = 0; output < out; output++) {
          if (zero(group, output) != 128) {
            return false;
          }
        }
      }
      return true;
    }

    @Override
    public void codes(int first, int count, byte[] codes, float[] scales, float[] seconds) {
      int group = format().orElseThrow().group();
      int inRow = in / group;
      int shift = packing.bits == 4 ? 0 : 128;
      for (int g = 0; g < inRow; g++) {
        int stored = groupSize == 0 ? 0 : (inputs.from() + g * group) / groupSize;
        for (int row = 0; row < count; row++) {
          scales[row * inRow + g] = this.scales.real(stored * out + first + row);
          if (shift == 0) {
            seconds[row * inRow + g] = zero(stored, first + row);
          }
        }
      }
      integers(first, count, codes);
      byGroup.orElseThrow().sort(codes, count);
      for (int i = 0; shift > 0 && i < count * in; i++) {
        codes[i] -= (byte) shift;
      }
    }

    private int zero(int group, int output) {
      int range = 1 << packing.bits;
      return (packing.zero(zeros, group, output, out) + zeroOffset) % range;
    }
  }
}
