package dev.s3llm.model.quant;

import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.model.RawTensor;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Single numbers of a stored tensor: scales, zero points, packed integers. */
final class Numbers {
  private static final int E4M3_BIAS = 7;

  /** Most rows or columns, so that eight times as many fit an int. */
  private static final int MAX_SIZE = 1 << 27;

  private final RawTensor stored;
  private final ByteBuffer bytes;

  Numbers(RawTensor stored) {
    this.stored = stored;
    this.bytes = stored.all();
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

  /** Returns an integer that names one of some groups. */
  int group(int index, int groups) {
    long group = integer(index);
    if (group < 0 || group >= groups) {
      throw bad("names group %d of %d at index %d".formatted(group, groups, index));
    }
    return (int) group;
  }

  /** Returns a number in single precision; exact for all types but F64. */
  float real(int index) {
    return switch (stored.dtype()) {
      case "F32" -> bytes.getFloat(4 * index);
      case "F16" -> HalfFloats.fromHalf(bytes.getShort(2 * index));
      case "BF16" -> Float.intBitsToFloat(bytes.getShort(2 * index) << 16);
      case "F64" -> (float) bytes.getDouble(8 * index);
      case "F8_E4M3" -> e4m3(bytes.get(index));
      case "F8_E5M2" -> HalfFloats.fromHalf((short) (bytes.get(index) << 8));
      case "F8_E8M0" -> Math.scalb(1f, (bytes.get(index) & 0xFF) - 127);
      case "I8", "U8" -> integer(index);
      default -> throw bad("is of type " + stored.dtype() + ", which is no number type of weights");
    };
  }

  /** Sign, four bits of exponent, three of mantissa; all ones are no number, none is infinite. */
  private static float e4m3(byte bits) {
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
    return bits < 0 ? -magnitude : magnitude;
  }

  ModelFormatException bad(String what) {
    return new ModelFormatException(stored.label() + " " + what);
  }
}
