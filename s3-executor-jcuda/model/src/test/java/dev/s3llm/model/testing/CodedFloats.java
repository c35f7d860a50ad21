package dev.s3llm.model.testing;

import dev.s3llm.model.Codes;
import dev.s3llm.model.Tensor;
import java.util.stream.IntStream;

/** The elements of a tensor by its codes, as {@link Codes} defines them. */
public final class CodedFloats {
  private static final float[] E2M1 = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};

  private CodedFloats() {}

  /**
   * Computes the elements, a row at a time.
   *
   * @param width elements of a row
   */
  public static float[] of(Tensor tensor, int width) {
    Codes codes = tensor.codes().orElseThrow();
    Codes.Format format = codes.format();
    float[] all = new float[(int) tensor.elements()];
    byte[] own = new byte[width];
    float[] scales = new float[width / format.group()];
    float[] seconds = new float[scales.length];
    int[] order = codes.order().orElseGet(() -> IntStream.range(0, width).toArray());
    for (int at = 0; at < all.length; at += width) {
      codes.read(at, width, own, scales, seconds);
      for (int i = 0; i < width; i++) {
        int group = i / format.group();
        all[at + order[i]] = value(format, own[i], scales[group], seconds[group]);
      }
    }
    return all;
  }

  private static float value(Codes.Format format, byte code, float scale, float second) {
    double plain =
        switch (format.kind()) {
          case UNSIGNED_4 -> code - (format.second() == Codes.Second.NONE ? 8 : 0);
          case SIGNED_8 -> code;
          case E4M3 -> sign(code, 7) * e4m3(code & 0x7F);
          case E2M1 -> sign(code, 3) * E2M1[code & 7];
        };
    return switch (format.second()) {
      case NONE -> (float) (plain * scale);
      case ZERO -> (float) ((plain - second) * scale);
      case OFFSET -> (float) (plain * scale) + second;
    };
  }

  private static int sign(byte code, int bit) {
    return (code >> bit & 1) == 0 ? 1 : -1;
  }

  private static double e4m3(int bits) {
    int exponent = bits >> 3;
    return exponent == 0 ? (bits & 7) * 0x1p-9 : (8 + (bits & 7)) * Math.pow(2, exponent - 10);
  }
}
