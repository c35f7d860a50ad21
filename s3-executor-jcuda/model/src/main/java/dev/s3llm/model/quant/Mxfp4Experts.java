package dev.s3llm.model.quant;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RawTensor;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * The experts of gpt-oss in MXFP4: {@code *_blocks} is {@code [experts][out][groups][16]} with two
 * codes in a byte, the first in the low bits, and {@code *_scales} is {@code
 * [experts][out][groups]}. An expert's matrix is presented as {@code [out][in]} in the blocks of
 * {@link ElementType#MXFP4}, without loss; the rows of gate and up take turns in the file. Source:
 * {@code integrations/mxfp4.py} of Hugging Face transformers.
 */
final class Mxfp4Experts {
  /** End of the name of a stack's codes. */
  static final String BLOCKS = "_blocks";

  /** End of the name of a stack's scales. */
  static final String SCALES = "_scales";

  private static final int GROUP = 32;
  private static final int GROUP_BYTES = 16;

  private final RawTensor blocks;
  private final RawTensor scales;

  /**
   * Checks the shapes.
   *
   * @param blocks codes of all experts
   * @param scales exponents of all experts
   */
  Mxfp4Experts(RawTensor blocks, RawTensor scales) {
    this.blocks = blocks;
    this.scales = scales;
    List<Long> shape = blocks.shape();
    boolean right = shape.size() == 4 && shape.get(3) == GROUP_BYTES;
    if (!right || !scales.shape().equals(shape.subList(0, 3))) {
      throw new ModelFormatException(
          "%s has shape %s and its scales %s, but [experts][out][groups][16] and"
                  .formatted(blocks.label(), shape, scales.shape())
              + " [experts][out][groups] are needed");
    }
    for (RawTensor raw : List.of(blocks, scales)) {
      if (!raw.dtype().equals("U8")) {
        throw new ModelFormatException(raw.label() + " is of type " + raw.dtype() + ", not U8");
      }
    }
  }

  int experts() {
    return Math.toIntExact(blocks.shape().get(0));
  }

  /**
   * Returns rows of an expert.
   *
   * @param expert number of the expert
   * @param first index of its first row
   * @param step distance from row to row
   * @param shape expected rows and columns
   */
  Tensor matrix(int expert, int first, int step, long... shape) {
    long rows = blocks.shape().get(1);
    long groups = blocks.shape().get(2);
    String label = blocks.label() + " (expert " + expert + ")";
    if (!Arrays.equals(shape, new long[] {rows / step, groups * GROUP})) {
      throw new ModelFormatException(
          "%s has shape [%d, %d], but the configuration needs %s"
              .formatted(label, rows / step, groups * GROUP, Arrays.toString(shape)));
    }
    long start = expert * rows + first;
    return new Tensor(
        label,
        ElementType.MXFP4,
        rows / step * groups * GROUP,
        (from, count) -> read(from / GROUP, count / GROUP, start, step, groups));
  }

  private ByteBuffer read(long from, int count, long start, int step, long groups) {
    ByteBuffer to =
        ByteBuffer.allocate(Math.multiplyExact(count, GROUP_BYTES + 1))
            .order(ByteOrder.LITTLE_ENDIAN);
    byte[] codes = new byte[GROUP_BYTES];
    long done = 0;
    while (done < count) {
      long row = (from + done) / groups;
      long group = (from + done) % groups;
      int run = (int) Math.min(count - done, groups - group);
      long at = (start + row * step) * groups + group;
      ByteBuffer rowScales = scales.slices().read(at, run);
      ByteBuffer rowCodes = blocks.slices().read(at * GROUP_BYTES, run * GROUP_BYTES);
      for (int i = 0; i < run; i++) {
        rowCodes.get(codes);
        to.put(rowScales.get(i));
        repack(codes, to);
      }
      done += run;
    }
    return to.flip();
  }

  /** Turns pairs of neighbours into pairs of elements that are half a block apart. */
  private static void repack(byte[] codes, ByteBuffer to) {
    for (int i = 0; i < GROUP_BYTES; i++) {
      to.put((byte) (code(codes, i) | (code(codes, i + GROUP_BYTES) << 4)));
    }
  }

  private static int code(byte[] codes, int element) {
    return (codes[element / 2] >> (element % 2 * 4)) & 0xF;
  }
}
