package dev.s3llm.model.gguf;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Reads the typed values of a GGUF file's metadata. */
final class GgufValues {
  private static final int U8 = 0;
  private static final int I8 = 1;
  private static final int U16 = 2;
  private static final int I16 = 3;
  private static final int U32 = 4;
  private static final int I32 = 5;
  private static final int F32 = 6;
  private static final int BOOL = 7;
  private static final int TEXT = 8;
  private static final int ARRAY = 9;
  private static final int U64 = 10;
  private static final int I64 = 11;
  private static final int F64 = 12;

  /** Bytes that a value of each type takes at least. */
  private static final int[] BYTES = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};

  private static final int MAX_ELEMENTS = 1 << 24;

  private final GgufInput input;

  GgufValues(GgufInput input) {
    this.input = input;
  }

  /** Returns the value that follows its type; the kinds are said at {@link GgufFile#metadata}. */
  Object read(String key) throws IOException {
    int type = type(key);
    return switch (type) {
      case TEXT -> input.text(key);
      case BOOL -> flag(key);
      case F32, F64 -> real(type);
      case ARRAY -> array(key);
      default -> integer(key, type);
    };
  }

  private int type(String key) throws IOException {
    int type = input.i32();
    if (type < 0 || type >= BYTES.length) {
      throw input.bad("%s is of value type %d, known are 0 to 12".formatted(key, type));
    }
    return type;
  }

  private Object array(String key) throws IOException {
    int type = type(key);
    if (type == ARRAY) {
      throw input.bad("%s is an array of arrays, which is not supported".formatted(key));
    }
    int count = input.count("the number of elements of " + key, BYTES[type], MAX_ELEMENTS);
    return switch (type) {
      case TEXT -> texts(key, count);
      case BOOL -> {
        boolean[] flags = new boolean[count];
        for (int i = 0; i < count; i++) {
          flags[i] = flag(key);
        }
        yield flags;
      }
      case F32, F64 -> {
        double[] reals = new double[count];
        for (int i = 0; i < count; i++) {
          reals[i] = real(type);
        }
        yield reals;
      }
      default -> {
        long[] integers = new long[count];
        for (int i = 0; i < count; i++) {
          integers[i] = integer(key, type);
        }
        yield integers;
      }
    };
  }

  private List<String> texts(String key, int count) throws IOException {
    List<String> texts = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      texts.add(input.text(key));
    }
    return Collections.unmodifiableList(texts);
  }

  private boolean flag(String key) throws IOException {
    int value = input.u8();
    if (value > 1) {
      throw input.bad("%s is the boolean %d, but must be 0 or 1".formatted(key, value));
    }
    return value == 1;
  }

  private double real(int type) throws IOException {
    return type == F32 ? Float.intBitsToFloat(input.i32()) : Double.longBitsToDouble(input.i64());
  }

  private long integer(String key, int type) throws IOException {
    return switch (type) {
      case U8 -> input.u8();
      case I8 -> (byte) input.u8();
      case U16 -> input.i16() & 0xFFFF;
      case I16 -> input.i16();
      case U32 -> Integer.toUnsignedLong(input.i32());
      case I32 -> input.i32();
      case I64 -> input.i64();
      case U64 -> {
        long value = input.i64();
        if (value < 0) {
          throw input.bad("%s is %s, more than 2^63".formatted(key, GgufInput.unsigned(value)));
        }
        yield value;
      }
      default -> throw input.bad("%s is of value type %d".formatted(key, type));
    };
  }
}
