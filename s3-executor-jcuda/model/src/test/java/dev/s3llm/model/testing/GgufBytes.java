package dev.s3llm.model.testing;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes GGUF files for tests: metadata in the order of the calls, tensors behind it, both as the
 * format's specification has them. Nothing is checked, so that damaged files can be written.
 */
public final class GgufBytes {
  private static final int ALIGNMENT = 32;

  private final ByteArrayOutputStream metadata = new ByteArrayOutputStream();
  private final ByteArrayOutputStream entries = new ByteArrayOutputStream();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private int version = 3;
  private int keys;
  private int tensors;

  /** Sets the format's version; 3 by default. */
  public GgufBytes version(int number) {
    version = number;
    return this;
  }

  /**
   * Adds a value: a String, Integer (uint32), Long (uint64), Float, Double or Boolean, or a List of
   * them.
   */
  public GgufBytes put(String key, Object value) {
    keys++;
    text(metadata, key);
    int type = type(value);
    number(metadata, 4, type);
    if (value instanceof List<?> list) {
      number(metadata, 4, list.isEmpty() ? 8 : type(list.get(0)));
      number(metadata, 8, list.size());
      list.forEach(each -> value(metadata, each));
    } else {
      value(metadata, value);
    }
    return this;
  }

  /** Adds a key whose type and value are the given bytes. */
  public GgufBytes putRaw(String key, byte... typeAndValue) {
    keys++;
    text(metadata, key);
    metadata.writeBytes(typeAndValue);
    return this;
  }

  /**
   * Adds a tensor at the next aligned offset.
   *
   * @param name its name
   * @param type the number of its format in {@code ggml.h}
   * @param bytes its content
   * @param shape its dimensions, outermost first
   */
  public GgufBytes tensor(String name, int type, byte[] bytes, long... shape) {
    pad(data);
    entry(name, type, data.size(), shape);
    data.writeBytes(bytes);
    return this;
  }

  /** Adds a tensor of fp32 with the given elements. */
  public GgufBytes tensor(String name, float[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return tensor(name, 0, bytes.array(), shape);
  }

  /** Adds the entry of a tensor without content. */
  public GgufBytes entry(String name, int type, long offset, long... shape) {
    tensors++;
    text(entries, name);
    number(entries, 4, shape.length);
    for (int i = shape.length - 1; i >= 0; i--) {
      number(entries, 8, shape[i]);
    }
    number(entries, 4, type);
    number(entries, 8, offset);
    return this;
  }

  /** Returns the file. */
  public byte[] bytes() {
    ByteArrayOutputStream file = new ByteArrayOutputStream();
    file.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    number(file, 4, version);
    number(file, 8, tensors);
    number(file, 8, keys);
    file.writeBytes(metadata.toByteArray());
    file.writeBytes(entries.toByteArray());
    pad(file);
    file.writeBytes(data.toByteArray());
    return file.toByteArray();
  }

  private static void pad(ByteArrayOutputStream out) {
    while (out.size() % ALIGNMENT != 0) {
      out.write(0);
    }
  }

  private static int type(Object value) {
    if (value instanceof List) {
      return 9;
    }
    return switch (value.getClass().getSimpleName()) {
      case "Integer" -> 4;
      case "Long" -> 10;
      case "Float" -> 6;
      case "Double" -> 12;
      case "Boolean" -> 7;
      case "String" -> 8;
      default -> throw new IllegalArgumentException("a value of " + value.getClass());
    };
  }

  private static void value(ByteArrayOutputStream out, Object value) {
    if (value instanceof String string) {
      text(out, string);
    } else if (value instanceof Boolean flag) {
      out.write(flag ? 1 : 0);
    } else if (value instanceof Float real) {
      number(out, 4, Float.floatToRawIntBits(real));
    } else if (value instanceof Double real) {
      number(out, 8, Double.doubleToRawLongBits(real));
    } else if (value instanceof Integer integer) {
      number(out, 4, integer);
    } else {
      number(out, 8, (Long) value);
    }
  }

  private static void text(ByteArrayOutputStream out, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    number(out, 8, bytes.length);
    out.writeBytes(bytes);
  }

  private static void number(ByteArrayOutputStream out, int bytes, long value) {
    for (int i = 0; i < bytes; i++) {
      out.write((int) (value >> (8 * i)));
    }
  }
}
