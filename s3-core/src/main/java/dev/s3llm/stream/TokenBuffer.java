package dev.s3llm.stream;

import java.util.Arrays;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** The stream of one generation's tokens. The loop appends them. Thread-safe. */
public final class TokenBuffer extends BufferedPublisher<Integer> {
  private int[] tokens = new int[16];
  private int count;
  private int delivered;

  /**
   * Creates a buffer without tokens.
   *
   * @param callbacks runs the subscriber
   * @param cancel runs when no subscriber will read the rest; may run more than once
   * @param onFailure receives what the subscriber threw
   */
  public TokenBuffer(Executor callbacks, Runnable cancel, Consumer<Throwable> onFailure) {
    super(callbacks, cancel, onFailure);
  }

  /**
   * Appends a token. Does nothing after {@link #end}: the watchdog may end a stream while the loop
   * is stuck, and the loop may continue later.
   *
   * @param token the token's id, 0 or more
   */
  public void append(int token) {
    lock.lock();
    try {
      if (ended()) {
        return;
      }
      if (count == tokens.length) {
        tokens = Arrays.copyOf(tokens, 2 * count);
      }
      tokens[count++] = token;
    } finally {
      lock.unlock();
    }
    appended();
  }

  /** Returns a copy of all tokens appended so far. */
  public int[] tokens() {
    lock.lock();
    try {
      return Arrays.copyOf(tokens, count);
    } finally {
      lock.unlock();
    }
  }

  @Override
  protected boolean isEmpty() {
    return delivered == count;
  }

  @Override
  protected Integer next() {
    return tokens[delivered++];
  }
}
