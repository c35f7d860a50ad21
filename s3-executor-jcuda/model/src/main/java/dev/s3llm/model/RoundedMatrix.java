package dev.s3llm.model;

import dev.s3llm.model.Codes.Format;
import dev.s3llm.model.Codes.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * A matrix whose elements are rounded as they are read, to codes with a scale for each group of
 * columns. What it gives are blocks of 32 with the scale of their group where the codes are
 * integers and fill such blocks ({@link ElementType#Q4_0}, {@link ElementType#Q8_0}), else the
 * rounded values in fp16.
 */
final class RoundedMatrix implements Tensor.Slices {
  private static final int BLOCK = 32;
  private static final int NIBBLES = BLOCK / 2;
  private static final float INT8_MOST = 127;

  /** Of the scales from all of a group's range down to 70 % of it, the best is taken. */
  private static final int SCALES = 16;

  private static final float SCALE_STEP = 0.02f;

  private final Tensor plain;
  private final int columns;
  private final Format format;
  private final ElementType type;

  private RoundedMatrix(Tensor plain, int columns, Format format, ElementType type) {
    this.plain = plain;
    this.columns = columns;
    this.format = format;
    this.type = type;
  }

  /**
   * Returns a matrix that is rounded as it is read.
   *
   * @param matrix {@code [out][columns]}, in any format
   * @param format integers of 4 or 8 bits about their middle, or e4m3
   */
  static Tensor of(Tensor matrix, int columns, Format format) {
    ElementType type = columns % BLOCK == 0 ? blocks(format.kind()) : ElementType.F16;
    RoundedMatrix rounded = new RoundedMatrix(matrix.widened(), columns, format, type);
    return new Tensor(matrix.label(), type, matrix.elements(), rounded);
  }

  private static ElementType blocks(Kind kind) {
    return switch (kind) {
      case UNSIGNED_4 -> ElementType.Q4_0;
      case SIGNED_8 -> ElementType.Q8_0;
      default -> ElementType.F16;
    };
  }

  @Override
  public ByteBuffer read(long first, int count) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(type.bytes(count))).order(ByteOrder.LITTLE_ENDIAN);
    float[] group = new float[format.group()];
    long end = first + count;
    for (long at = groupStart(first); at < end; ) {
      int size = (int) Math.min(format.group(), columns - at % columns);
      FloatBuffer floats = plain.slice(at, size).asFloatBuffer();
      floats.get(group, 0, size);
      requireFinite(group, size, at);
      float scale = round(group, size);
      int from = (int) Math.max(0, first - at);
      put(group, from, (int) Math.min(size, end - at), scale, bytes);
      at += size;
    }
    return bytes.flip();
  }

  private void requireFinite(float[] group, int size, long first) {
    for (int i = 0; i < size; i++) {
      if (!Float.isFinite(group[i])) {
        throw new ModelFormatException(
            "%s holds %s at element %d".formatted(plain.label(), group[i], first + i));
      }
    }
  }

  private long groupStart(long element) {
    long column = element % columns;
    return element - column % format.group();
  }

  /** Replaces the values of a group by codes, of e4m3 by values without their scale. */
  private float round(float[] group, int size) {
    float scale = format.kind() == Kind.UNSIGNED_4 ? bestOfFour(group, size) : even(group, size);
    for (int i = 0; i < size; i++) {
      float unit = scale == 0 ? 0 : group[i] / scale;
      group[i] =
          switch (format.kind()) {
            case UNSIGNED_4 -> four(unit);
            case SIGNED_8 -> Math.max(-INT8_MOST, Math.min(INT8_MOST, (float) Math.rint(unit)));
            default -> Float8.nearest(unit);
          };
    }
    return scale;
  }

  /** Returns the scale that brings the value of largest magnitude to the largest code. */
  private float even(float[] group, int size) {
    float most = 0;
    for (int i = 0; i < size; i++) {
      most = Math.max(most, Math.abs(group[i]));
    }
    return stored(most / (format.kind() == Kind.SIGNED_8 ? INT8_MOST : Float8.MOST));
  }

  private static float bestOfFour(float[] group, int size) {
    float whole = 0;
    for (int i = 0; i < size; i++) {
      whole = Math.abs(group[i]) > Math.abs(whole) ? group[i] : whole;
    }
    whole /= -8; // the value of largest magnitude gets the code -8
    float best = 0;
    double least = Double.POSITIVE_INFINITY;
    for (int s = 0; s < SCALES && whole != 0; s++) {
      float scale = stored(whole * (1 - SCALE_STEP * s));
      double error = 0;
      for (int i = 0; i < size && scale != 0; i++) {
        float off = group[i] - scale * four(group[i] / scale);
        error += off * off;
      }
      if (scale != 0 && error < least) {
        least = error;
        best = scale;
      }
    }
    return best;
  }

  private static float stored(float scale) {
    return HalfFloats.fromHalf(HalfFloats.toHalf(scale));
  }

  private static float four(float unit) {
    return Math.max(-8, Math.min(7, (float) Math.rint(unit)));
  }

  private static int nibble(float code) {
    return (int) code + 8;
  }

  private void put(float[] codes, int from, int to, float scale, ByteBuffer bytes) {
    for (int at = from; at < to; at += type.plain() ? 1 : BLOCK) {
      switch (type) {
        case Q4_0 -> {
          bytes.putShort(HalfFloats.toHalf(scale));
          for (int i = at; i < at + NIBBLES; i++) {
            bytes.put((byte) (nibble(codes[i]) | (nibble(codes[i + NIBBLES]) << 4)));
          }
        }
        case Q8_0 -> {
          bytes.putShort(HalfFloats.toHalf(scale));
          for (int i = at; i < at + BLOCK; i++) {
            bytes.put((byte) codes[i]);
          }
        }
        default -> bytes.putShort(HalfFloats.toHalf(codes[at] * scale));
      }
    }
  }
}
