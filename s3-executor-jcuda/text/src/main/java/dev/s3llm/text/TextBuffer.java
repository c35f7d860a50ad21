package dev.s3llm.text;

import dev.s3llm.stream.BufferedPublisher;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The pieces of one answer that wait for its subscriber; a few for each token at most.
 *
 * @param <T> type of the pieces
 */
final class TextBuffer<T> extends BufferedPublisher<T> {
  private final Queue<T> pieces = new ArrayDeque<>();

  /**
   * Creates a buffer without text.
   *
   * @param callbacks where the subscriber is called
   * @param cancel run, any number of times, when the rest will not be read
   * @param onFailure receives what the subscriber threw
   */
  TextBuffer(Executor callbacks, Runnable cancel, Consumer<Throwable> onFailure) {
    super(callbacks, cancel, onFailure);
  }

  /**
   * Adds a piece.
   *
   * @param piece the next piece
   */
  void append(T piece) {
    lock.lock();
    try {
      pieces.add(piece);
    } finally {
      lock.unlock();
    }
    appended();
  }

  /**
   * Notes the end and delivers what was requested.
   *
   * @param cause what failed, or null
   */
  void finish(@Nullable Throwable cause) {
    end(cause);
    deliver();
  }

  @Override
  protected boolean isEmpty() {
    return pieces.isEmpty();
  }

  @Override
  protected T next() {
    return pieces.remove();
  }
}
