package dev.s3llm.jcuda;

/**
 * Receives the progress of reading weights. Called on threads of the executor, by one at a time,
 * while {@code build()} waits.
 */
@FunctionalInterface
public interface LoadProgress {

  /**
   * Called after some weights have been read.
   *
   * @param bytes bytes read so far, at most {@code totalBytes}
   * @param totalBytes bytes of all weights
   */
  void loaded(long bytes, long totalBytes);
}
