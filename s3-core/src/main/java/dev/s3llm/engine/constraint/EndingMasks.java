package dev.s3llm.engine.constraint;

import com.google.common.collect.MapMaker;
import java.util.Arrays;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The masks of complete answers: those of constraints, with the stop tokens of a request. One is
 * made for each mask, not for each step, so that executors know it by its array. Masks are known by
 * their arrays, whose content never changes, and held weakly. Thread-safe.
 */
public final class EndingMasks {
  private final Map<long[], Ending> endings = new MapMaker().weakKeys().makeMap();

  @SuppressWarnings("ArrayRecordComponent") // compared by their content alone
  private record Ending(int[] stopTokens, long[] mask) {
    boolean isFor(int... tokens) {
      return Arrays.equals(stopTokens, tokens);
    }
  }

  /**
   * Returns a mask with the stop tokens added.
   *
   * @param mask the mask of a constraint, with a bit for each token; not changed
   * @param stopTokens ids of tokens of the mask's vocabulary, at least one
   */
  long[] of(long[] mask, int... stopTokens) {
    @Nullable Ending known = endings.get(mask);
    if (known == null || !known.isFor(stopTokens)) {
      Ending made = new Ending(stopTokens, with(mask.clone(), stopTokens));
      Ending first =
          endings.merge(mask, made, (before, own) -> before.isFor(stopTokens) ? before : own);
      known = first == null ? made : first;
    }
    return known.mask;
  }

  /** Sets the bits of tokens and returns the mask. */
  static long[] with(long[] mask, int... tokens) {
    for (int token : tokens) {
      mask[token / Long.SIZE] |= 1L << token;
    }
    return mask;
  }
}
