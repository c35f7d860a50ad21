package dev.s3llm.model;

import static dev.s3llm.model.Decoding.half;

import dev.s3llm.model.Codes.Format;
import dev.s3llm.model.Codes.Kind;
import dev.s3llm.model.Codes.Second;
import dev.s3llm.model.io.Octets;
import java.nio.ByteBuffer;
import java.util.Optional;

/** The codes of tensors that are stored in blocks; {@link Decoding} has the layouts. */
final class BlockCodes implements Codes {
  private static final int GROUP = 32;
  private static final int SMALL_GROUP = 16;
  private static final int PIECE = 1 << 16;

  private final Tensor tensor;
  private final Format format;

  private BlockCodes(Tensor tensor, Format format) {
    this.tensor = tensor;
    this.format = format;
  }

  /** Returns the codes of a tensor; empty for formats whose codes have other sizes. */
  static Optional<Codes> of(Tensor tensor) {
    return format(tensor.type()).map(format -> new BlockCodes(tensor, format));
  }

  private static Optional<Format> format(ElementType type) {
    return switch (type) {
      case Q8_0, Q5_0 -> Optional.of(new Format(Kind.SIGNED_8, GROUP, Second.NONE));
      case Q5_1, Q5_K -> Optional.of(new Format(Kind.SIGNED_8, GROUP, Second.OFFSET));
      case Q6_K -> Optional.of(new Format(Kind.SIGNED_8, SMALL_GROUP, Second.NONE));
      case Q4_0 -> Optional.of(new Format(Kind.UNSIGNED_4, GROUP, Second.NONE));
      case Q4_1, Q4_K -> Optional.of(new Format(Kind.UNSIGNED_4, GROUP, Second.OFFSET));
      case MXFP4 -> Optional.of(new Format(Kind.E2M1, GROUP, Second.NONE));
      default -> Optional.empty();
    };
  }

  @Override
  public Format format() {
    return format;
  }

  @Override
  public void read(long first, int count, byte[] codes, float[] scales, float[] seconds) {
    int elements = tensor.type().blockElements();
    byte[] block = new byte[tensor.type().blockBytes()];
    for (int done = 0; done < count; done += PIECE) {
      int size = Math.min(PIECE, count - done);
      ByteBuffer bytes = tensor.slice(first + done, size);
      for (int i = 0; i < size / elements; i++) {
        bytes.get(i * block.length, block);
        block(block, codes, scales, seconds, done + i * elements);
      }
    }
  }

  private void block(byte[] block, byte[] codes, float[] scales, float[] seconds, int at) {
    int group = at / GROUP;
    switch (tensor.type()) {
      case Q8_0 -> {
        scales[group] = half(block, 0);
        System.arraycopy(block, 2, codes, at, GROUP);
      }
      case Q4_0 -> {
        scales[group] = half(block, 0);
        nibbles(block, 2, codes, at);
      }
      case Q4_1 -> {
        scales[group] = half(block, 0);
        seconds[group] = half(block, 2);
        nibbles(block, 4, codes, at);
      }
      case Q5_0 -> {
        scales[group] = half(block, 0);
        fives(block, 2, 16, codes, at);
      }
      case Q5_1 -> {
        scales[group] = half(block, 0);
        seconds[group] = half(block, 2);
        fives(block, 4, 0, codes, at);
      }
      case MXFP4 -> {
        scales[group] = 2 * Decoding.halfPowerOfTwo(block[0] & 0xFF);
        nibbles(block, 1, codes, at);
      }
      case Q4_K, Q5_K ->
          SuperBlocks.codes(block, tensor.type() == ElementType.Q5_K, codes, scales, seconds, at);
      case Q6_K -> SuperBlocks.sixes(block, codes, scales, at);
      default -> throw new IllegalStateException(tensor.label() + " has no codes");
    }
  }

  /** Low nibbles are the first half of the block, high nibbles the second. */
  private static void nibbles(byte[] block, int first, byte[] codes, int at) {
    for (int i = 0; i < GROUP / 2; i += Octets.SIZE) {
      long pairs = Octets.get(block, first + i);
      Octets.put(codes, at + i, Octets.field(pairs, 0, 0xF));
      Octets.put(codes, at + GROUP / 2 + i, Octets.field(pairs, 4, 0xF));
    }
  }

  /** As {@link #nibbles}, with a fifth bit of each code in 32 bits before them. */
  private static void fives(byte[] block, int first, int zero, byte[] codes, int at) {
    nibbles(block, first + 4, codes, at);
    for (int i = 0; i < GROUP / Octets.SIZE; i++) {
      int place = at + i * Octets.SIZE;
      long five = Octets.get(codes, place) | Octets.bits(block[first + i]) << 4;
      Octets.put(codes, place, Octets.minus(five, zero));
    }
  }
}
