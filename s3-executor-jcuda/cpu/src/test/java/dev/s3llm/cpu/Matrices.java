package dev.s3llm.cpu;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Random tensors of any format, and floats, for tests of the kernels. */
final class Matrices {
  private Matrices() {}

  /** Returns a tensor of weights between about -1 and 1. */
  static Tensor random(ElementType type, int out, int in, long seed) {
    Random random = new Random(seed);
    byte[] bytes = new byte[Math.toIntExact(type.bytes((long) out * in))];
    random.nextBytes(bytes);
    ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    for (int at = 0; at < bytes.length; at += type.blockBytes()) {
      float value = random.nextFloat() * 2 - 1;
      switch (type) {
        case F32 -> buffer.putFloat(at, value);
        case F16 -> buffer.putShort(at, HalfFloats.toHalf(value));
        case BF16 -> buffer.putShort(at, (short) (Float.floatToRawIntBits(value) >>> 16));
        case Q8_0 -> buffer.putShort(at, HalfFloats.toHalf(value / 128));
        case MXFP4 -> bytes[at] = (byte) (124 + random.nextInt(3));
        case Q6_K -> buffer.putShort(at + 208, HalfFloats.toHalf(value / 4096));
        case Q4_K, Q5_K -> {
          buffer.putShort(at, HalfFloats.toHalf(value / 1024));
          buffer.putShort(at + 2, HalfFloats.toHalf(random.nextFloat() / 64));
        }
        case Q4_1, Q5_1 -> {
          buffer.putShort(at, HalfFloats.toHalf(value / 16));
          buffer.putShort(at + 2, HalfFloats.toHalf(random.nextFloat() - 0.5f));
        }
        default -> buffer.putShort(at, HalfFloats.toHalf(value / 16));
      }
    }
    return of(type, (long) out * in, buffer);
  }

  /** Returns a tensor of given bytes. */
  static Tensor of(ElementType type, long elements, ByteBuffer buffer) {
    return new Tensor(
        "test.weight",
        type,
        elements,
        (first, count) ->
            buffer
                .slice((int) type.bytes(first), (int) type.bytes(count))
                .order(ByteOrder.LITTLE_ENDIAN));
  }

  /** Returns floats of a normal distribution. */
  static float[] floats(int count, long seed) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }
}
