package dev.s3llm.jcuda;

/** Is told how far the weights have come. Called from the thread that builds the executor. */
@FunctionalInterface
public interface LoadProgress {

  /**
   * Some weights have been read.
   *
   * @param bytes read so far
   * @param totalBytes in all
   */
  void loaded(long bytes, long totalBytes);
}
