package dev.s3llm.model.testing;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.util.Set;
import java.util.function.Function;

/** Random weights whose matrices are stored in formats, as in a GGUF file. */
public final class StoredTensors implements TensorSource {
  private final RandomTensors plain;
  private final Function<String, ElementType> types;
  private final Maker maker;

  /** Makes a matrix in a format. */
  @FunctionalInterface
  public interface Maker {
    /**
     * Returns a random matrix.
     *
     * @param seed a number of its own for each tensor
     */
    Tensor matrix(ElementType type, int rows, int columns, int seed);
  }

  /**
   * Creates the weights of a model.
   *
   * @param types returns the format of the matrix of a name; matrices whose rows are no whole
   *     number of blocks are plain
   * @param maker makes the other matrices
   */
  public StoredTensors(ModelConfig config, Function<String, ElementType> types, Maker maker) {
    this.plain = new RandomTensors(config, 7);
    this.types = types;
    this.maker = maker;
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
    ElementType type = types.apply(name);
    if (shape.length != 2 || shape[1] % type.blockElements() != 0) {
      return plain.tensor(name, shape);
    }
    Tensor made = maker.matrix(type, (int) shape[0], (int) shape[1], name.hashCode());
    return new Tensor(name, type, made.elements(), made.slices());
  }

  @Override
  public void close() {
    plain.close();
  }
}
