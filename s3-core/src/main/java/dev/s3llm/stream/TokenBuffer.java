package dev.s3llm.stream;

import java.util.Arrays;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** The tokens of one generation, which the loop appends. */
public final class TokenBuffer extends BufferedPublisher<Integer> {
  private int[] tokens = new int[16];
  private int count;
  private int delivered;

  /**
   * Creates a buffer without tokens.
   *
   * @param callbacks where the subscriber is called
   * @param cancel run, any number of times, when nobody will read the rest
   * @param onFailure receives what the subscriber threw
   */
  public TokenBuffer(Executor callbacks, Runnable cancel, Consumer<Throwable> onFailure) {
    super(callbacks, cancel, onFailure);
  }

  /** Adds a token, unless the end was noted: a loop that was given up may come back. */
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

  /** All tokens so far; a copy. */
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
