package dev.s3llm.model.quant;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RawTensor;
import dev.s3llm.model.json.JsonFile;
import java.nio.ByteBuffer;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Bitsandbytes' nf4 and fp4 (Dettmers et al. 2023): two codes in a byte, the first in the high
 * bits; a table of sixteen numbers; the largest magnitude of each block of elements, which may be
 * quantised again. Source: {@code functional.py} of bitsandbytes.
 */
final class FourBitBlocks implements Scheme {
  private static final String WEIGHT = ".weight";
  private static final String STATE = ".weight.quant_state.bitsandbytes__";
  private static final String ABSMAX = ".weight.absmax";
  private static final String NESTED_ABSMAX = ".weight.nested_absmax";
  private static final String NESTED_TABLE = ".weight.nested_quant_map";

  private final String kind;

  /**
   * Creates the scheme.
   *
   * @param kind {@code nf4} or {@code fp4}
   */
  FourBitBlocks(String kind) {
    this.kind = kind;
  }

  @Override
  public String mark() {
    return STATE + kind;
  }

  @Override
  public Set<String> parts() {
    return Set.of(STATE + kind, WEIGHT, ABSMAX, ".weight.quant_map", NESTED_ABSMAX, NESTED_TABLE);
  }

  @Override
  public Matrix matrix(Parts parts) {
    RawTensor raw = parts.raw(mark());
    ByteBuffer json = raw.all();
    byte[] bytes = new byte[json.remaining()];
    json.get(bytes);
    JsonNode state = JsonFile.parse(raw.label(), bytes);
    int rows = positive(raw, state.path("shape").path(0), "shape");
    int width = positive(raw, state.path("shape").path(1), "shape");
    int block = positive(raw, state.path("blocksize"), "blocksize");
    long elements = (long) rows * width;
    Numbers codes = parts.numbers(WEIGHT).of("U8").sized((elements + 1) / 2);
    long blocks = (elements + block - 1) / block;
    Numbers absmax = parts.numbers(ABSMAX).sized(blocks);
    Nested nested = parts.has(NESTED_ABSMAX) ? nested(parts, raw, state, blocks) : null;
    Numbers table = parts.numbers(".weight.quant_map").of("F32").sized(16);
    return new Blocks(codes, table, absmax, nested, new Sizes(rows, width, block));
  }

  private static Nested nested(Parts parts, RawTensor raw, JsonNode state, long blocks) {
    int block = positive(raw, state.path("nested_blocksize"), "nested_blocksize");
    return new Nested(
        parts.numbers(NESTED_TABLE).of("F32").sized(256),
        parts.numbers(NESTED_ABSMAX).of("F32").sized((blocks + block - 1) / block),
        block,
        (float) state.path("nested_offset").asDouble());
  }

  private static int positive(RawTensor raw, JsonNode node, String name) {
    if (!node.isInt() || node.asInt() < 1) {
      throw new ModelFormatException(
          "%s: %s is %s, but must be a positive integer".formatted(raw.label(), name, node));
    }
    return node.asInt();
  }

  /** What the magnitudes are quantised with. */
  private record Nested(Numbers table, Numbers absmax, int block, float offset) {}

  private record Sizes(int rows, int width, int block) {}

  /** The matrix; its blocks run on from row to row. */
  private record Blocks(
      Numbers codes, Numbers table, Numbers absmax, @Nullable Nested nested, Sizes sizes)
      implements Matrix {

    @Override
    public long rows() {
      return sizes.rows;
    }

    @Override
    public long width() {
      return sizes.width;
    }

    @Override
    public void decode(long first, int count, float[] to) {
      long start = first * sizes.width;
      int elements = count * sizes.width;
      int pad = (int) (start % 2);
      byte[] pairs = codes.octets((int) (start / 2), (elements + pad + 1) / 2);
      float[] values = new float[table.size()];
      table.reals(0, values.length, values, 0);
      int at = 0;
      while (at < elements) {
        long element = start + at;
        int block = (int) (element / sizes.block);
        int run = (int) Math.min(elements - at, (block + 1L) * sizes.block - element);
        float largest = largest(block);
        for (int i = at; i < at + run; i++) {
          int code = pairs[(i + pad) / 2] >> ((i + pad) % 2 == 0 ? 4 : 0);
          to[i] = values[code & 0xF] * largest;
        }
        at += run;
      }
    }

    private float largest(int block) {
      Nested outer = nested;
      if (outer == null) {
        return absmax.real(block);
      }
      float code = outer.table.real((int) absmax.integer(block));
      return code * outer.absmax.real(block / outer.block) + outer.offset;
    }
  }
}
