package dev.s3llm.text.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** Draws answers under a constraint, as an engine with a model of random weights would. */
final class Draws {
  /** What the tokens are chosen by. */
  enum Taste {
    /** Any token. */
    ANY,
    /** Long tokens. */
    LONG,
    /** Blanks and opening brackets, which lead nowhere. */
    IDLE
  }

  private static final int TRIES = 12;

  private final List<byte[]> tokens;
  private final Random random;

  Draws(List<byte[]> tokens, long seed) {
    this.tokens = tokens;
    this.random = new Random(seed);
  }

  /** Returns an answer; empty if the limit came first. */
  Optional<String> draw(TokenConstraint constraint, int limit, Taste taste) {
    TokenConstraint.State state = constraint.start();
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    for (int left = limit; left > 0; left--) {
      long[] mask = state.mask(left);
      int count = 0;
      for (long word : mask) {
        count += Long.bitCount(word);
      }
      boolean stops = state.complete() && (count == 0 || random.nextInt(4) == 0);
      if (stops) {
        return Optional.of(text.toString(StandardCharsets.UTF_8));
      }
      if (count == 0) {
        throw new AssertionError("nothing may come after " + text);
      }
      int token = choose(mask, count, taste);
      text.writeBytes(tokens.get(token));
      state = state.after(token);
    }
    return state.complete() ? Optional.of(text.toString(StandardCharsets.UTF_8)) : Optional.empty();
  }

  private int choose(long[] mask, int count, Taste taste) {
    int best = allowed(mask, random.nextInt(count));
    for (int i = 1; i < TRIES && taste != Taste.ANY; i++) {
      int other = allowed(mask, random.nextInt(count));
      if (score(other, taste) > score(best, taste)) {
        best = other;
      }
    }
    return best;
  }

  private int score(int token, Taste taste) {
    byte[] bytes = tokens.get(token);
    if (taste == Taste.LONG) {
      return bytes.length;
    }
    int idle = 0;
    for (byte value : bytes) {
      idle += " \n\t[{".indexOf(value) >= 0 ? 1 : 0;
    }
    return idle;
  }

  private static int allowed(long[] mask, int index) {
    int left = index;
    for (int word = 0; ; word++) {
      int bits = Long.bitCount(mask[word]);
      if (left < bits) {
        long rest = mask[word];
        for (int i = 0; i < left; i++) {
          rest &= rest - 1;
        }
        return 64 * word + Long.numberOfTrailingZeros(rest);
      }
      left -= bits;
    }
  }
}
