package dev.s3llm.model.family;

import dev.s3llm.model.Tensor;
import dev.s3llm.model.TensorSource;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** The tensors of a text model that is a part of a larger one, under the names it has alone. */
final class RenamedTensors implements TensorSource {
  private static final String TEXT = "language_model.";
  private static final String MODEL = "model.";

  private final TensorSource source;
  private final UnaryOperator<String> stored;
  private final UnaryOperator<String> alone;

  private RenamedTensors(
      TensorSource source, UnaryOperator<String> stored, UnaryOperator<String> alone) {
    this.source = source;
    this.stored = stored;
    this.alone = alone;
  }

  /**
   * Returns the source itself if it has the embedding under the name that a text model alone has.
   *
   * @param embedding module of the embedding
   */
  static TensorSource of(String embedding, TensorSource source) {
    String name = embedding + ".weight";
    if (source.contains(name) || !name.startsWith(MODEL)) {
      return source;
    }
    for (RenamedTensors renamed : List.of(outside(source), inside(source))) {
      if (renamed.contains(name)) {
        return renamed;
      }
    }
    return source;
  }

  /** {@code language_model.model.layers}: a text model as a part. */
  private static RenamedTensors outside(TensorSource source) {
    return new RenamedTensors(
        source,
        name -> TEXT + name,
        name -> name.startsWith(TEXT) ? name.substring(TEXT.length()) : name);
  }

  /** {@code model.language_model.layers}: the head beside the parts. */
  private static RenamedTensors inside(TensorSource source) {
    return new RenamedTensors(
        source,
        name -> name.startsWith(MODEL) ? MODEL + TEXT + name.substring(MODEL.length()) : name,
        name ->
            name.startsWith(MODEL + TEXT)
                ? MODEL + name.substring(MODEL.length() + TEXT.length())
                : name);
  }

  @Override
  public boolean contains(String name) {
    return source.contains(stored.apply(name));
  }

  @Override
  public Set<String> names() {
    return source.names().stream().map(alone).collect(Collectors.toSet());
  }

  @Override
  public Tensor tensor(String name, long... shape) {
    return source.tensor(stored.apply(name), shape);
  }

  @Override
  public void close() {
    source.close();
  }
}
