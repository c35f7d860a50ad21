package dev.s3llm.model;

import dev.s3llm.model.ModelConfig.NormKind;
import dev.s3llm.model.family.Family;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Generates weights of any shape in half precision, for tests and benchmarks: normally distributed,
 * scaled so that activations keep their size. All tensors are cut from one table of normal draws,
 * which makes weights of any size as fast as a memory copy; the length of the table is prime, so no
 * two rows of a matrix are equal.
 */
public final class RandomTensors implements TensorSource {
  private static final int DRAWS = 1_048_583;
  private static final int MOST_AT_ONCE = 1 << 24;
  private static final int BYTES = 2;
  private static final double NORM_DEVIATION = 0.1;

  private final ModelConfig config;
  private final String embeddingName;
  private final float[] draws = new float[DRAWS];
  private final Map<Scale, ByteBuffer> tables = new HashMap<>();

  /**
   * Creates the weights of a model.
   *
   * @param config shape of the model
   * @param seed the same seed gives the same weights
   */
  public RandomTensors(ModelConfig config, long seed) {
    this.config = config;
    this.embeddingName = Family.of(config).names().embedding();
    Random random = new Random(seed);
    for (int i = 0; i < DRAWS; i++) {
      draws[i] = (float) random.nextGaussian();
    }
  }

  private record Scale(double mean, double deviation) {}

  /** Returns true: a tensor of any name can be made. */
  @Override
  public boolean contains(String name) {
    return true;
  }

  @Override
  public Set<String> names() {
    return Set.of();
  }

  @Override
  public Tensor tensor(String name, long... shape) {
    long elements = 1;
    for (long dimension : shape) {
      elements = Math.multiplyExact(elements, dimension);
    }
    ByteBuffer table = table(scale(name, shape), (int) Math.min(elements, MOST_AT_ONCE));
    int offset = Math.floorMod(name.hashCode(), DRAWS);
    return new Tensor(
        "random " + name,
        ElementType.F16,
        elements,
        (first, count) -> cut(table, (int) ((offset + first) % DRAWS), count));
  }

  private Scale scale(String name, long... shape) {
    if (name.endsWith("bias") || name.endsWith("sinks")) {
      return new Scale(0, NORM_DEVIATION);
    }
    if (shape.length == 1) {
      boolean onePlus = config.norms().kind() == NormKind.RMS_ONE_PLUS;
      return new Scale(onePlus ? 0 : 1, NORM_DEVIATION);
    }
    boolean embedding = name.startsWith(embeddingName) && !config.tiedOutput();
    return new Scale(0, embedding ? 1 : 1 / Math.sqrt((double) shape[1]));
  }

  /** Returns the table of a scale, repeated so that {@code atOnce} elements follow any element. */
  private ByteBuffer table(Scale scale, int atOnce) {
    ByteBuffer table = tables.get(scale);
    int elements = DRAWS + atOnce;
    if (table == null || table.capacity() < BYTES * elements) {
      table = ByteBuffer.allocateDirect(BYTES * elements).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = 0; i < Math.min(DRAWS, elements); i++) {
        table.putShort(HalfFloats.toHalf((float) (scale.mean + scale.deviation * draws[i])));
      }
      while (table.hasRemaining()) {
        int run = Math.min(table.remaining(), BYTES * DRAWS);
        table.put(table.duplicate().position(0).limit(run));
      }
      tables.put(scale, table);
    }
    return table;
  }

  private static ByteBuffer cut(ByteBuffer table, int from, int count) {
    int available = table.capacity() / BYTES - DRAWS;
    if (count > available) {
      throw new IllegalArgumentException(
          "at most %d elements can be read at once, but %d were requested"
              .formatted(available, count));
    }
    return table.slice(BYTES * from, BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {}
}
