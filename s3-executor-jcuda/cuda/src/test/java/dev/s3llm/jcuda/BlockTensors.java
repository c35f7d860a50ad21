package dev.s3llm.jcuda;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.HalfFloats;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.Set;

/** Random weights whose matrices are stored in the blocks of a format, as in a GGUF file. */
final class BlockTensors implements TensorSource {
  /** Elements of a block have about this deviation, in scales. */
  private static final double DEVIATION = 4.6;

  private final RandomTensors plain;
  private final ElementType type;

  BlockTensors(ModelConfig config, ElementType type) {
    this.plain = new RandomTensors(config, 7);
    this.type = type;
  }

  @Override
  public boolean contains(String name) {
    return plain.contains(name);
  }

  @Override
  public Set<String> names() {
    return plain.names();
  }

  @Override
  public Tensor tensor(String name, long... shape) {
    if (shape.length != 2 || shape[1] % type.blockElements() != 0) {
      return plain.tensor(name, shape);
    }
    int elements = (int) (shape[0] * shape[1]);
    byte[] bytes = new byte[(int) type.bytes(elements)];
    new Random(name.hashCode()).nextBytes(bytes);
    ByteBuffer blocks = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    double scale = 1 / Math.sqrt((double) shape[1]) / DEVIATION;
    for (int at = 0; at < bytes.length; at += type.blockBytes()) {
      setScales(blocks, at, scale);
    }
    return new Tensor(
        name,
        type,
        elements,
        (first, count) ->
            blocks
                .slice((int) type.bytes(first), (int) type.bytes(count))
                .order(ByteOrder.LITTLE_ENDIAN));
  }

  private void setScales(ByteBuffer blocks, int at, double scale) {
    switch (type) {
      case Q8_0 -> blocks.putShort(at, half(scale / 16));
      case Q4_0 -> blocks.putShort(at, half(scale));
      case Q4_1 -> blocks.putShort(at, half(scale)).putShort(at + 2, half(-7.5 * scale));
      case Q4_K -> blocks.putShort(at, half(scale / 32)).putShort(at + 2, half(scale / 4));
      default -> throw new IllegalArgumentException("no scales for " + type);
    }
  }

  private static short half(double value) {
    return HalfFloats.toHalf((float) value);
  }

  @Override
  public void close() {
    plain.close();
  }
}
