package dev.s3llm.model.testing;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.util.Set;

/** Random weights whose matrices are stored in a format, as in a GGUF file. */
public final class StoredTensors implements TensorSource {
  private final RandomTensors plain;
  private final ElementType type;
  private final Maker maker;

  /** Makes a matrix in the format. */
  @FunctionalInterface
  public interface Maker {
    /**
     * Returns a random matrix.
     *
     * @param seed a number of its own for each tensor
     */
    Tensor matrix(int rows, int columns, int seed);
  }

  /**
   * Creates the weights of a model.
   *
   * @param type the format; matrices whose rows are no whole number of blocks are plain
   * @param maker makes the other matrices
   */
  public StoredTensors(ModelConfig config, ElementType type, Maker maker) {
    this.plain = new RandomTensors(config, 7);
    this.type = type;
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
    if (shape.length != 2 || shape[1] % type.blockElements() != 0) {
      return plain.tensor(name, shape);
    }
    Tensor made = maker.matrix((int) shape[0], (int) shape[1], name.hashCode());
    return new Tensor(name, type, made.elements(), made.slices());
  }

  @Override
  public void close() {
    plain.close();
  }
}
