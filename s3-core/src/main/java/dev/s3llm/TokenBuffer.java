package dev.s3llm;

import dev.s3llm.stream.BufferedPublisher;
import java.util.Arrays;
import java.util.concurrent.Executor;

/** The tokens of one generation, which the loop appends. */
final class TokenBuffer extends BufferedPublisher<Integer> {
  private int[] tokens = new int[16];
  private int count;
  private int delivered;

  TokenBuffer(Executor callbacks, Runnable cancel) {
    super(callbacks, cancel);
  }

  /** Adds a token, unless the end was noted: a loop that was given up may come back. */
  void append(int token) {
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
  int[] tokens() {
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
