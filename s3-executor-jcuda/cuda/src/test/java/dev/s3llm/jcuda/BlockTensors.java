package dev.s3llm.jcuda;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import dev.s3llm.model.testing.StoredTensors;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.regex.Pattern;

/** Random weights whose matrices are stored in blocks, as in a GGUF file. */
final class BlockTensors {
  /** Elements of a block have about this deviation, in scales. */
  private static final double DEVIATION = 4.6;

  /**
   * What a Q4_K_M file has in Q6_K: the output, and values and down of about every second layer.
   */
  private static final Pattern SIXES =
      Pattern.compile("lm_head|\\.\\d*[02468]\\..*(v_proj|down_proj|fc_out)");

  private BlockTensors() {}

  /** Returns weights whose products keep the size of their input. */
  static TensorSource of(ModelConfig config, ElementType type) {
    return new StoredTensors(config, name -> type, BlockTensors::matrix);
  }

  /** Returns the same in the formats of a Q4_K_M file. */
  static TensorSource mixed(ModelConfig config) {
    return new StoredTensors(
        config,
        name -> SIXES.matcher(name).find() ? ElementType.Q6_K : ElementType.Q4_K,
        BlockTensors::matrix);
  }

  private static Tensor matrix(ElementType type, int rows, int columns, int seed) {
    int elements = rows * columns;
    byte[] bytes = new byte[(int) type.bytes(elements)];
    new Random(seed).nextBytes(bytes);
    ByteBuffer blocks = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    double scale = 1 / Math.sqrt((double) columns) / DEVIATION;
    for (int at = 0; at < bytes.length; at += type.blockBytes()) {
      setScales(type, blocks, at, scale);
    }
    return new Tensor(
        "random",
        type,
        elements,
        (first, count) ->
            blocks
                .slice((int) type.bytes(first), (int) type.bytes(count))
                .order(ByteOrder.LITTLE_ENDIAN));
  }

  private static void setScales(ElementType type, ByteBuffer blocks, int at, double scale) {
    switch (type) {
      case Q8_0 -> blocks.putShort(at, half(scale / 16));
      case Q4_0 -> blocks.putShort(at, half(scale));
      case Q5_0 -> blocks.putShort(at, half(scale / 2));
      case Q5_1 -> blocks.putShort(at, half(scale / 2)).putShort(at + 2, half(-7.75 * scale));
      case Q5_K -> blocks.putShort(at, half(scale / 64)).putShort(at + 2, half(scale / 4));
      case Q6_K -> blocks.putShort(at + 208, half(scale / 300));
      case Q4_1 -> blocks.putShort(at, half(scale)).putShort(at + 2, half(-7.5 * scale));
      case Q4_K -> blocks.putShort(at, half(scale / 32)).putShort(at + 2, half(scale / 4));
      case MXFP4 -> blocks.put(at, (byte) (127 + Math.getExponent(1.6 * scale)));
      default -> throw new IllegalArgumentException("no scales for " + type);
    }
  }

  private static short half(double value) {
    return HalfFloats.toHalf((float) value);
  }
}
