package dev.s3llm.predict;

import com.google.common.base.Preconditions;
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
 * @param maxNewTokens output limit in tokens, at least 1; the answer is never longer
 */
public record LengthQuery(
    int promptTokens,
    @Nullable String promptText,
    @Nullable String key,
    int hintTokens,
    int maxNewTokens) {

  /**
   * Validates the numbers.
   *
   * @throws IllegalArgumentException if a number is out of range
   */
  public LengthQuery {
    Preconditions.checkArgument(
        promptTokens >= 1 && hintTokens >= 0 && maxNewTokens >= 1,
        "promptTokens and maxNewTokens must be at least 1 and hintTokens at least 0, but are %s, %s,"
            + " %s",
        promptTokens,
        maxNewTokens,
        hintTokens);
  }
}
