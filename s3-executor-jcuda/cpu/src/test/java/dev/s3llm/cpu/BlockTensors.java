package dev.s3llm.cpu;

import dev.s3llm.model.ElementType;
import dev.s3llm.model.ModelConfig;
import dev.s3llm.model.RandomTensors;
import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.util.Set;

/** Random weights whose matrices are stored in a format, as in a GGUF file. */
final class BlockTensors implements TensorSource {
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
    if (shape.length != 2) {
      return plain.tensor(name, shape);
    }
    Tensor random = Matrices.random(type, (int) shape[0], (int) shape[1], name.hashCode());
    return new Tensor(name, type, random.elements(), random.slices());
  }

  @Override
  public void close() {
    plain.close();
  }
}
