package dev.s3llm.jcuda;

import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.RoundedInput;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.WeightFormat;
import dev.s3llm.model.testing.StoredTensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.Random;

/** Random weights in e4m3, as in a file that says how inputs are rounded. */
final class Fp8Tensors {
  private static final int GROUP = 128;

  /** Codes are 0.5 to 3.75 in magnitude, which have about this deviation. */
  private static final double DEVIATION = 1.9;

  private Fp8Tensors() {}

  /** Returns weights whose products keep the size of their input. */
  static TensorSource of(ModelConfig config, RoundedInput input) {
    return new StoredTensors(
        config,
        name -> ElementType.F32,
        (type, rows, columns, seed) -> matrix(rows, columns, seed, input));
  }

  private static Tensor matrix(int rows, int columns, int seed, RoundedInput input) {
    Random random = new Random(seed);
    byte[] codes = new byte[rows * columns];
    for (int i = 0; i < codes.length; i++) {
      codes[i] = (byte) (random.nextInt(2) << 7 | (6 + random.nextInt(3)) << 3 | random.nextInt(8));
    }
    int groups = (columns + GROUP - 1) / GROUP;
    float[] scales = new float[rows * groups];
    for (int i = 0; i < scales.length; i++) {
      scales[i] =
          (float) ((0.75 + 0.5 * random.nextDouble()) / Math.sqrt((double) columns) / DEVIATION);
    }
    Slices all = new Slices(codes, scales, columns, input, 0);
    return new Tensor("fp8", ElementType.F32, codes.length, all);
  }

  /** Reads elements from one on, as numbers or as codes. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Slices(
      byte[] stored, float[] scales, int columns, RoundedInput rounding, long start)
      implements Tensor.Slices, Codes {
    @Override
    public ByteBuffer read(long first, int count) {
      ByteBuffer to = ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
      int groups = (columns + GROUP - 1) / GROUP;
      for (int i = 0; i < count; i++) {
        int at = (int) (start + first) + i;
        float scale = scales[at / columns * groups + at % columns / GROUP];
        to.putFloat(value(stored[at]) * scale);
      }
      return to.flip();
    }

    private static float value(byte code) {
      float magnitude = Math.scalb(1 + (code & 7) / 8f, (code >> 3 & 15) - 7);
      return code < 0 ? -magnitude : magnitude;
    }

    @Override
    public Tensor.Slices from(long first) {
      return new Slices(stored, scales, columns, rounding, start + first);
    }

    @Override
    public Optional<Codes> codes() {
      return columns % GROUP == 0 ? Optional.of(this) : Optional.empty();
    }

    @Override
    public Optional<RoundedInput> input() {
      return Optional.of(rounding);
    }

    @Override
    public Format format() {
      return WeightFormat.FP8.rounded().orElseThrow();
    }

    @Override
    public void read(long first, int count, byte[] to, float[] toScales, float[] seconds) {
      int at = (int) (start + first);
      System.arraycopy(stored, at, to, 0, count);
      System.arraycopy(scales, at / GROUP, toScales, 0, count / GROUP);
    }
  }
}
