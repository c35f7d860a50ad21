package dev.s3llm.jcuda;

import dev.s3llm.model.Codes;
import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Random weights of 4 bits whose groups are not consecutive columns, as GPTQ with {@code desc_act}
 * stores them. Matrices of a layer with the same input have one order, but for the values of every
 * layer whose number ends with a 1.
 */
final class OrderedTensors implements TensorSource {
  private static final int GROUP = 32;
  private static final Pattern PLAIN = Pattern.compile("embed|wte|lm_head");
  private static final Pattern JOINED = Pattern.compile("[qkv]_proj");
  private static final Pattern APART = Pattern.compile("1\\.\\w+\\.v_proj");

  private final RandomTensors plain;

  OrderedTensors(ModelConfig config) {
    this.plain = new RandomTensors(config, 7);
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
    if (shape.length != 2 || PLAIN.matcher(name).find()) {
      return plain.tensor(name, shape);
    }
    int columns = (int) shape[1];
    String input =
        APART.matcher(name).find()
            ? name
            : JOINED.matcher(name).replaceFirst("input").replace("gate_proj", "up_proj");
    List<Integer> order = IntStream.range(0, columns).boxed().collect(Collectors.toList());
    Collections.shuffle(order, new Random(input.hashCode()));
    Ordered own =
        new Ordered(columns, order.stream().mapToInt(Integer::intValue).toArray(), name.hashCode());
    return new Tensor(name, ElementType.F32, shape[0] * shape[1], own);
  }

  @Override
  public void close() {
    plain.close();
  }

  /** A matrix; what a row holds follows from its number. */
  private record Ordered(int columns, int[] columnOf, int seed) implements Tensor.Slices, Codes {
    @Override
    public Format format() {
      return new Format(Kind.UNSIGNED_4, GROUP, Second.ZERO);
    }

    @Override
    public Optional<int[]> order() {
      return Optional.of(columnOf);
    }

    @Override
    public Optional<Codes> codes() {
      return Optional.of(this);
    }

    @Override
    public void read(long first, int count, byte[] codes, float[] scales, float[] seconds) {
      for (int row = 0; row < count / columns; row++) {
        Random random = new Random(seed * 31L + first / columns + row);
        for (int i = 0; i < columns; i++) {
          codes[row * columns + i] = (byte) random.nextInt(16);
        }
        for (int g = row * (columns / GROUP); g < (row + 1) * (columns / GROUP); g++) {
          scales[g] = (float) ((random.nextInt(8) + 4) / 32.0 / Math.sqrt(columns));
          seconds[g] = 7 + random.nextInt(3);
        }
      }
    }

    @Override
    public ByteBuffer read(long first, int count) {
      long row = first / columns;
      int rows = (int) ((first + count + columns - 1) / columns - row);
      byte[] codes = new byte[rows * columns];
      float[] scales = new float[codes.length / GROUP];
      float[] seconds = new float[scales.length];
      read(row * columns, codes.length, codes, scales, seconds);
      float[] values = new float[codes.length];
      for (int i = 0; i < codes.length; i++) {
        int column = i / columns * columns + columnOf[i % columns];
        values[column] = scales[i / GROUP] * (codes[i] - seconds[i / GROUP]);
      }
      ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * count).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values, (int) (first - row * columns), count);
      return bytes;
    }
  }
}
