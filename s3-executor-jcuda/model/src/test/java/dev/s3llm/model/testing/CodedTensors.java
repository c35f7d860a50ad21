package dev.s3llm.model.testing;

import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.Random;

/**
 * Random weights whose matrices are plain numbers that are decoded from codes, as those of GPTQ,
 * AWQ, {@code compressed-tensors} and fp8 folders are. Matrices whose rows are no whole number of
 * groups have no codes.
 */
public final class CodedTensors {
  private static final byte NOT_A_NUMBER = 0x7F;

  private CodedTensors() {}

  /** Returns weights whose products keep about the size of their input. */
  public static TensorSource of(ModelConfig config, Codes.Format format) {
    return new StoredTensors(
        config,
        name -> ElementType.F32,
        (type, rows, columns, seed) -> {
          Matrix matrix = Matrix.random(format, rows, columns, seed);
          return new Tensor("random", type, matrix.integers.length, matrix);
        });
  }

  /** A matrix from an element on. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Matrix(
      Format format,
      int columns,
      byte[] integers,
      float[] scales,
      float[] seconds,
      float[] floats,
      long start)
      implements Tensor.Slices, Codes {

    static Matrix random(Format format, int rows, int columns, int seed) {
      Random random = new Random(seed);
      boolean plain = format.second() == Second.NONE;
      byte[] codes = new byte[rows * columns];
      random.nextBytes(codes);
      for (int i = 0; i < codes.length; i++) {
        if (format.kind().bits() == 4) {
          codes[i] &= 0xF;
          codes[i] = plain && codes[i] == 0 ? 8 : codes[i]; // as many below the middle as above
        } else if (format.kind() == Kind.E4M3 && (codes[i] & NOT_A_NUMBER) == NOT_A_NUMBER) {
          codes[i] = 0;
        }
      }
      float[] scales = new float[Math.max(1, codes.length / format.group())];
      float[] seconds = new float[scales.length];
      double scale = 1 / Math.sqrt((double) columns) / deviation(format.kind());
      for (int i = 0; i < scales.length; i++) {
        scales[i] = half(scale * (0.5 + random.nextDouble()));
        seconds[i] =
            switch (format.second()) {
              case NONE -> 0;
              case ZERO -> 6 + random.nextInt(4);
              case OFFSET -> half(-7.5 * scales[i]);
            };
      }
      Matrix matrix =
          new Matrix(format, columns, codes, scales, seconds, new float[codes.length], 0);
      if (columns % format.group() == 0) {
        Tensor whole = new Tensor("random", ElementType.F32, codes.length, matrix);
        System.arraycopy(CodedFloats.of(whole, columns), 0, matrix.floats, 0, codes.length);
      } else {
        for (int i = 0; i < codes.length; i++) {
          matrix.floats[i] = (float) (random.nextGaussian() / Math.sqrt((double) columns));
        }
      }
      return matrix;
    }

    private static double deviation(Kind kind) {
      return switch (kind) {
        case UNSIGNED_4 -> 4.6;
        case SIGNED_8 -> 74;
        case E4M3 -> 100;
        case E2M1 -> 2.9;
      };
    }

    private static float half(double value) {
      return HalfFloats.fromHalf(HalfFloats.toHalf((float) value));
    }

    @Override
    public ByteBuffer read(long first, int count) {
      ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(floats, (int) (start + first), count);
      return bytes;
    }

    @Override
    public Optional<Codes> codes() {
      return columns % format.group() == 0 && start % columns == 0
          ? Optional.of(this)
          : Optional.empty();
    }

    @Override
    public Tensor.Slices from(long first) {
      return new Matrix(format, columns, integers, scales, seconds, floats, start + first);
    }

    @Override
    public void read(long first, int count, byte[] to, float[] scalesTo, float[] secondsTo) {
      int at = (int) (start + first);
      System.arraycopy(integers, at, to, 0, count);
      int group = at / format.group();
      int groups = count / format.group();
      System.arraycopy(scales, group, scalesTo, 0, groups);
      if (format.second() != Second.NONE) {
        System.arraycopy(seconds, group, secondsTo, 0, groups);
      }
    }
  }
}
