package dev.s3llm.text;

import dev.s3llm.stream.BufferedPublisher;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** The pieces of text of one generation, no more than its tokens. */
final class TextBuffer extends BufferedPublisher<String> {
  private final Queue<String> pieces = new ArrayDeque<>();

  TextBuffer(Executor callbacks, Runnable cancel) {
    super(callbacks, cancel);
  }

  /** Adds a piece that is not empty. */
  void append(String piece) {
    lock.lock();
    try {
      pieces.add(piece);
    } finally {
      lock.unlock();
    }
    appended();
  }

  /** Notes that no more comes, and why if it failed, and delivers what there is. */
  void finish(@Nullable Throwable cause) {
    end(cause);
    deliver();
  }

  @Override
  protected boolean isEmpty() {
    return pieces.isEmpty();
  }

  @Override
  protected String next() {
    return pieces.remove();
  }
}
