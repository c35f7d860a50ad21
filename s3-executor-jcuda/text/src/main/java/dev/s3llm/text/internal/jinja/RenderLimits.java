package dev.s3llm.text.internal.jinja;

import java.time.Duration;
import java.util.Objects;

/**
 * The bounds of one rendering.
 *
 * @param maxTextChars characters of one text, the output included; at least 1
 * @param maxItems items of one list or mapping; at least 1
 * @param maxTotalChars characters of all texts that the rendering makes, kept or not (an item of a
 *     list counts as 20); bounds memory; at least 1
 * @param maxSteps operations and statements; at least 1
 * @param maxDepth nested calls of macros and recursive loops, and values inside values; at least 1
 * @param maxTime time of the whole rendering; positive
 */
public record RenderLimits(
    int maxTextChars,
    int maxItems,
    long maxTotalChars,
    long maxSteps,
    int maxDepth,
    Duration maxTime) {

  private static final RenderLimits STANDARD =
      new RenderLimits(4_000_000, 100_000, 200_000_000, 10_000_000, 50, Duration.ofSeconds(5));

  /**
   * Checks the bounds.
   *
   * @throws IllegalArgumentException if a bound is not positive
   */
  public RenderLimits {
    Objects.requireNonNull(maxTime, "maxTime");
    if (Math.min(Math.min(maxTextChars, maxItems), maxDepth) < 1
        || Math.min(maxTotalChars, maxSteps) < 1
        || maxTime.isNegative()
        || maxTime.isZero()) {
      throw new IllegalArgumentException("every bound must be positive");
    }
  }

  /**
   * Returns the limits for chat templates: 4,000,000 characters of output, 5 seconds, and steps and
   * memory for conversations of 50,000 messages.
   */
  public static RenderLimits standard() {
    return STANDARD;
  }
}
