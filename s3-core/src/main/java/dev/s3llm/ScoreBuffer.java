package dev.s3llm;

import dev.s3llm.GenerationResult.TokenScores;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The log probabilities of one generation's tokens, in flat arrays. The loop writes those of a
 * token before the token. Thread-safe.
 */
final class ScoreBuffer {
  private static final int NO_TOKEN = -1;

  private final ReentrantLock lock = new ReentrantLock();
  private final int width;
  private float[] values = {};
  private int[] tokens = {};

  /** Number of tokens with a place; those without values have {@link #NO_TOKEN} in it. */
  private int count;

  /**
   * Creates a buffer.
   *
   * @param alternatives number of values of a token beside its own, 0 or more
   */
  ScoreBuffer(int alternatives) {
    width = 1 + alternatives;
  }

  /**
   * Sets the values of a token.
   *
   * @param index number of the token in the output, not less than those before
   * @param from values
   * @param ids the ids that they belong to
   * @param first index of the token's own value
   */
  void set(int index, float[] from, int[] ids, int first) {
    lock.lock();
    try {
      int end = (index + 1) * width;
      if (end > values.length) {
        int length = Math.max(end, Math.max(16, 2 * values.length));
        values = Arrays.copyOf(values, length);
        tokens = Arrays.copyOf(tokens, length);
      }
      Arrays.fill(tokens, count * width, index * width, NO_TOKEN);
      System.arraycopy(from, first, values, index * width, width);
      System.arraycopy(ids, first, tokens, index * width, width);
      count = index + 1;
    } finally {
      lock.unlock();
    }
  }

  /** Returns the values of a token; null if it has none. */
  @Nullable TokenScores get(int index) {
    lock.lock();
    try {
      return index < 0 || index >= count || tokens[index * width] == NO_TOKEN
          ? null
          : read(index * width);
    } finally {
      lock.unlock();
    }
  }

  private TokenScores read(int first) {
    List<TokenScores.Alternative> others = new ArrayList<>(width - 1);
    for (int i = first + 1; i < first + width; i++) {
      others.add(new TokenScores.Alternative(tokens[i], values[i]));
    }
    return new TokenScores(tokens[first], values[first], others);
  }
}
