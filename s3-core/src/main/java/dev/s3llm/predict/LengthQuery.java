package dev.s3llm.predict;

import com.google.common.base.Preconditions;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The facts about a request that a predictor may use. Immutable.
 *
 * @param promptTokens length of the prompt in tokens, at least 1; an opaque input counts with its
 *     KV slots, which for audio are proportional to its duration
 * @param promptText the prompt as text; null if the caller did not give it
 * @param key name of a group of similar requests, such as a route or a prompt template; null if the
 *     caller gave none
 * @param hintTokens the caller's own guess of the output length in tokens; 0 if there is none
 * @param maxNewTokens limit of the part in tokens, at least 1; the part is never longer
 * @param part the part of the output whose length is asked for
 */
public record LengthQuery(
    int promptTokens,
    @Nullable String promptText,
    @Nullable String key,
    int hintTokens,
    int maxNewTokens,
    Part part) {

  /** A part of an output. */
  public enum Part {
    /** All of it. */
    WHOLE,
    /** The thinking before the answer, with its markers. An output without it counts with 1. */
    THINKING,
    /** What follows the thinking. */
    ANSWER
  }

  /**
   * How an output divides into thinking and answer. The tokens of the markers belong to the
   * thinking. Immutable.
   *
   * @param open the tokens with which an output that thinks begins; empty if the prompt has begun
   *     the thinking
   * @param close the sequences of tokens of which each ends the thinking; at least one, none empty
   * @param budget the most tokens between the markers, 0 or more; {@link Integer#MAX_VALUE} without
   *     a limit. A thinking of this length counts as cut off
   */
  public record Thinking(List<Integer> open, List<List<Integer>> close, int budget) {
    /**
     * Copies the lists and checks the values.
     *
     * @throws IllegalArgumentException if there is no closing sequence, one is empty, or the budget
     *     is negative
     */
    public Thinking {
      open = List.copyOf(open);
      close = close.stream().map(List::copyOf).toList();
      Preconditions.checkArgument(
          !close.isEmpty() && close.stream().noneMatch(List::isEmpty),
          "close must have at least one sequence and no empty one, but is %s",
          close);
      Preconditions.checkArgument(budget >= 0, "budget must be at least 0, but is %s", budget);
    }

    /** Returns the most tokens of the thinking with its markers, at least 1. */
    int longest() {
      int markers = open.size() + close.stream().mapToInt(List::size).max().orElse(0);
      return (int) Math.min(Integer.MAX_VALUE, (long) budget + markers);
    }
  }

  /**
   * Validates the numbers.
   *
   * @throws IllegalArgumentException if a number is out of range
   */
  public LengthQuery {
    Preconditions.checkArgument(
        promptTokens >= 1 && hintTokens >= 0 && maxNewTokens >= 1,
        "promptTokens and maxNewTokens must be at least 1 and hintTokens at least 0, but are %s,"
            + " %s, %s",
        promptTokens,
        maxNewTokens,
        hintTokens);
  }

  /**
   * Creates a query for the whole output.
   *
   * @param promptTokens length of the prompt in tokens, at least 1
   * @param promptText the prompt as text; null if the caller did not give it
   * @param key name of a group of similar requests; null if the caller gave none
   * @param hintTokens the caller's own guess of the output length in tokens; 0 if there is none
   * @param maxNewTokens output limit in tokens, at least 1
   * @throws IllegalArgumentException if a number is out of range
   */
  public LengthQuery(
      int promptTokens,
      @Nullable String promptText,
      @Nullable String key,
      int hintTokens,
      int maxNewTokens) {
    this(promptTokens, promptText, key, hintTokens, maxNewTokens, Part.WHOLE);
  }

  /**
   * Returns the query for the thinking of the same output.
   *
   * @param thinking how the output divides
   */
  public LengthQuery ofThinking(Thinking thinking) {
    int most = Math.min(maxNewTokens, thinking.longest());
    return new LengthQuery(promptTokens, promptText, key, hintTokens, most, Part.THINKING);
  }

  /** Returns the query for the answer of the same output, behind its thinking. */
  public LengthQuery ofAnswer() {
    return new LengthQuery(promptTokens, promptText, key, hintTokens, maxNewTokens, Part.ANSWER);
  }
}
