package dev.s3llm.model;

/** Where a model's tensors come from: files, or a generator. For one thread at a time. */
public interface TensorSource extends AutoCloseable {

  /** Whether there is a tensor of this name. */
  boolean contains(String name);

  /**
   * A tensor, which may be read while the source is open.
   *
   * @param shape what it must be
   * @throws ModelFormatException if it is missing, or of another shape or an unreadable type
   */
  Tensor tensor(String name, long... shape);

  @Override
  void close();
}
