package dev.s3llm.predict;

import org.jspecify.annotations.Nullable;

/**
 * What a predictor may look at.
 *
 * @param promptTokens length of the prompt, in tokens
 * @param promptText the prompt, if the caller gave it
 * @param key groups requests that behave alike (a route, a prompt template), if the caller gave one
 * @param hintTokens the caller's own guess of the output length; 0 if none
 * @param maxNewTokens the output is never longer than this
 */
public record LengthQuery(
    int promptTokens,
    @Nullable String promptText,
    @Nullable String key,
    int hintTokens,
    int maxNewTokens) {

  /** Validates that the counts are in range. */
  public LengthQuery {
    if (promptTokens < 1 || hintTokens < 0 || maxNewTokens < 1) {
      throw new IllegalArgumentException(
          "promptTokens and maxNewTokens must be at least 1 and hintTokens at least 0, but are "
              + promptTokens
              + ", "
              + maxNewTokens
              + ", "
              + hintTokens);
    }
  }
}
