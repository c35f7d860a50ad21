package dev.s3llm.model;

import java.util.Set;

/** A source of a model's tensors: weight files, or a generator. For one thread at a time. */
public interface TensorSource extends AutoCloseable {
  /**
   * Returns whether the source has a tensor of a name.
   *
   * @param name name as in Hugging Face's files, such as {@code model.norm.weight}
   */
  boolean contains(String name);

  /**
   * Returns the names of all tensors that a model must read, so that a tensor which nothing reads
   * is found; empty for a source that makes whatever is requested.
   */
  Set<String> names();

  /**
   * Returns a tensor, which may be read while the source is open.
   *
   * @param name name as in Hugging Face's files
   * @param shape the expected dimensions, outermost first
   * @throws ModelFormatException if the tensor is missing, or has another shape or an unreadable
   *     type
   */
  Tensor tensor(String name, long... shape);

  /** Releases the source; tensors of it can no longer be read. */
  @Override
  void close();
}
