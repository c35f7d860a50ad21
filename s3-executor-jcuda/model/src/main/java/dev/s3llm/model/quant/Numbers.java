package dev.s3llm.model.quant;

import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RawTensor;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.IntFunction;

/** Single numbers of a stored tensor: scales, zero points, packed integers. */
final class Numbers {
  private static final int E4M3_BIAS = 7;

  /** Most rows or columns, so that eight times as many fit an int. */
  private static final int MAX_SIZE = 1 << 27;

  private static final float[] E4M3 = table(Numbers::e4m3);
  private static final float[] E5M2 = table(bits -> HalfFloats.fromHalf((short) (bits << 8)));
  private static final float[] I8 = table(bits -> (float) (byte) bits);
  private static final float[] U8 = table(bits -> (float) bits);

  private final RawTensor stored;
  private final ByteBuffer bytes;

  Numbers(RawTensor stored) {
    this.stored = stored;
    this.bytes = stored.all();
  }

  /** Returns the name of the number type. */
  String type() {
    return stored.dtype();
  }

  /** Returns the number of elements. */
  int size() {
    return bytes.capacity() / elementBytes();
  }

  private int elementBytes() {
    return switch (stored.dtype()) {
      case "F32", "I32", "U32" -> 4;
      case "F16", "BF16", "I16", "U16" -> 2;
      case "F64", "I64", "U64" -> 8;
      default -> 1;
    };
  }

  /** Returns the elements as they are packed in 32-bit words; refuses another type. */
  Numbers words() {
    return of("I32", "U32");
  }

  /** Refuses another type than some. */
  Numbers of(String... types) {
    if (!Arrays.asList(types).contains(stored.dtype())) {
      throw bad(
          "is of type %s, but must be %s".formatted(stored.dtype(), String.join(" or ", types)));
    }
    return this;
  }

  /** Refuses another shape; dimensions of 1 do not count. */
  Numbers shaped(long... shape) {
    long[] own = stored.shape().stream().mapToLong(Long::longValue).filter(n -> n != 1).toArray();
    if (!Arrays.equals(own, Arrays.stream(shape).filter(n -> n != 1).toArray())) {
      throw bad("has shape %s, but must have %s".formatted(stored.shape(), Arrays.toString(shape)));
    }
    return this;
  }

  /** Returns the number of rows or columns of a matrix; refuses one that no array could have. */
  static int size(RawTensor source, long value) {
    if (value < 1 || value > MAX_SIZE) {
      throw new ModelFormatException(
          "%s says %d rows or columns, but must say 1 to %d"
              .formatted(source.label(), value, MAX_SIZE));
    }
    return (int) value;
  }

  /** Returns an element that is the number of rows or columns of a matrix. */
  int size(int index) {
    return size(stored, integer(index));
  }

  /** Returns whether the shape is the given one. */
  boolean isShaped(long... shape) {
    return stored.shape().equals(Arrays.stream(shape).boxed().toList());
  }

  /** Refuses another number of elements. */
  Numbers sized(long elements) {
    if (size() != elements) {
      throw bad("has %d elements, but must have %d".formatted(size(), elements));
    }
    return this;
  }

  /** Returns whether the elements are words of 32 bits, which may hold several integers. */
  boolean isWords() {
    return stored.dtype().equals("I32") || stored.dtype().equals("U32");
  }

  /** Returns a word of 32 bits. */
  int word(int index) {
    return bytes.getInt(4 * index);
  }

  /** Reads consecutive words of 32 bits, as many as there is room for. */
  void words(int first, int[] to) {
    for (int i = 0; i < to.length; i++) {
      to[i] = bytes.getInt(4 * (first + i));
    }
  }

  /** Returns an integer. */
  long integer(int index) {
    return switch (stored.dtype()) {
      case "I32" -> bytes.getInt(4 * index);
      case "I64", "U64" -> bytes.getLong(8 * index);
      case "I8" -> bytes.get(index);
      case "U8" -> bytes.get(index) & 0xFF;
      default -> throw bad("is of type " + stored.dtype() + ", but must be an integer's");
    };
  }

  /** Returns the elements, each of which names one of some groups. */
  int[] groups(int groups) {
    int[] all = new int[size()];
    for (int i = 0; i < all.length; i++) {
      long group = integer(i);
      if (group < 0 || group >= groups) {
        throw bad("names group %d of %d at index %d".formatted(group, groups, i));
      }
      all[i] = (int) group;
    }
    return all;
  }

  /**
   * Returns the group of each column where no tensor says it.
   *
   * @param groupSize columns of a group; 0 for one group
   */
  static int[] groups(int columns, int groupSize) {
    int[] all = new int[columns];
    for (int i = 0; groupSize > 0 && i < columns; i++) {
      all[i] = i / groupSize;
    }
    return all;
  }

  /** Returns a number in single precision; exact for all types but F64. */
  float real(int index) {
    return switch (stored.dtype()) {
      case "F32" -> bytes.getFloat(4 * index);
      case "F16" -> HalfFloats.fromHalf(bytes.getShort(2 * index));
      case "BF16" -> Float.intBitsToFloat(bytes.getShort(2 * index) << 16);
      case "F64" -> (float) bytes.getDouble(8 * index);
      case "F8_E8M0" -> Math.scalb(1f, (bytes.get(index) & 0xFF) - 127);
      case "F8_E4M3", "F8_E5M2", "I8", "U8" -> octets()[bytes.get(index) & 0xFF];
      default -> throw bad("is of type " + stored.dtype() + ", which is no number type of weights");
    };
  }

  /** Reads consecutive numbers as {@link #real} does, faster. */
  void reals(int first, int count, float[] to, int at) {
    if (elementBytes() == 1 && !stored.dtype().equals("F8_E8M0")) {
      float[] values = octets();
      byte[] own = octets(first, count);
      for (int i = 0; i < count; i++) {
        to[at + i] = values[own[i] & 0xFF];
      }
    } else {
      for (int i = 0; i < count; i++) {
        to[at + i] = real(first + i);
      }
    }
  }

  /** Returns consecutive elements of one byte. */
  byte[] octets(int first, int count) {
    byte[] own = new byte[count];
    octets(first, count, own, 0);
    return own;
  }

  /** Reads consecutive elements of one byte. */
  void octets(int first, int count, byte[] to, int at) {
    bytes.get(first, to, at, count);
  }

  /** Returns what each of the 256 bytes stands for. */
  private float[] octets() {
    return switch (stored.dtype()) {
      case "F8_E4M3" -> E4M3;
      case "F8_E5M2" -> E5M2;
      case "I8" -> I8;
      case "U8" -> U8;
      default -> throw bad("is of type " + stored.dtype() + ", which has no bytes for elements");
    };
  }

  private static float[] table(IntFunction<Float> value) {
    float[] table = new float[256];
    for (int i = 0; i < table.length; i++) {
      table[i] = value.apply(i);
    }
    return table;
  }

  /** Sign, four bits of exponent, three of mantissa; all ones are no number, none is infinite. */
  private static float e4m3(int bits) {
    int exponent = (bits >> 3) & 0xF;
    int mantissa = bits & 7;
    float magnitude;
    if ((bits & 0x7F) == 0x7F) {
      magnitude = Float.NaN;
    } else if (exponent == 0) {
      magnitude = mantissa * 0x1p-9f;
    } else {
      magnitude = Math.scalb(1 + mantissa / 8f, exponent - E4M3_BIAS);
    }
    return bits >= 0x80 ? -magnitude : magnitude;
  }

  ModelFormatException bad(String what) {
    return new ModelFormatException(stored.label() + " " + what);
  }
}
