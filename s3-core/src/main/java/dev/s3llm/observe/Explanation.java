package dev.s3llm.observe;

import dev.s3llm.recover.PreemptionMode;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * Why a request took as long as it did: what it waited for, what was set aside for it and what it
 * used, who took its memory and what that cost. Immutable.
 *
 * @param predictedTokens median of the predicted output length; 0 if it ended before it was
 *     predicted
 * @param reservedTokens KV slots set aside when it first started; 0 if it never did
 * @param mostReservedTokens the most KV slots that were ever set aside for it
 * @param usedTokens tokens it had at the end, prompt and output
 * @param waits each wait for memory, in order; the first {@link #MOST_LISTED} of them
 * @param preemptions each loss of its memory, in order; the first {@link #MOST_LISTED} of them
 * @param unlisted waits and preemptions beyond those listed
 */
public record Explanation(
    int predictedTokens,
    int reservedTokens,
    int mostReservedTokens,
    int usedTokens,
    List<Wait> waits,
    List<Preemption> preemptions,
    int unlisted) {
  /** Waits, and preemptions, that are listed one by one. */
  public static final int MOST_LISTED = 16;

  private static final double NANOS_PER_MILLI = 1e6;

  /** Copies the lists. */
  public Explanation {
    waits = List.copyOf(waits);
    preemptions = List.copyOf(preemptions);
  }

  /**
   * A wait for memory.
   *
   * @param waited how long
   * @param reason the planner's latest for putting it off, or that others were before it
   */
  public record Wait(Duration waited, String reason) {}

  /**
   * A loss of its memory.
   *
   * @param after since its submission
   * @param mode whether its KV was copied to host memory or dropped
   * @param kvTokens tokens whose KV was taken
   * @param causedBy the request that needed room; its own id if it gave way itself
   * @param cost what bringing it back takes, by the executor's measured costs
   * @param reason the planner's
   */
  public record Preemption(
      Duration after,
      PreemptionMode mode,
      int kvTokens,
      String causedBy,
      Duration cost,
      String reason) {}

  /** All of it in a few sentences, for a log. */
  public String summary() {
    StringBuilder text = new StringBuilder();
    text.append(
        "predicted %d output tokens; %d tokens reserved at first, %d at most, %d used"
            .formatted(predictedTokens, reservedTokens, mostReservedTokens, usedTokens));
    for (Wait wait : waits) {
      text.append("; waited %s for: %s".formatted(millis(wait.waited), wait.reason));
    }
    for (Preemption loss : preemptions) {
      text.append(
          "; after %s lost the KV of %d tokens to %s (%s, %s to bring back): %s"
              .formatted(
                  millis(loss.after),
                  loss.kvTokens,
                  loss.causedBy,
                  loss.mode.name().toLowerCase(Locale.ROOT),
                  millis(loss.cost),
                  loss.reason));
    }
    if (unlisted > 0) {
      text.append("; and %d more waits and preemptions".formatted(unlisted));
    }
    return text.toString();
  }

  private static String millis(Duration duration) {
    return String.format(Locale.ROOT, "%.1f ms", duration.toNanos() / NANOS_PER_MILLI);
  }
}
