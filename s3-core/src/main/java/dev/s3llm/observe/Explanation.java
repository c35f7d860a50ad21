package dev.s3llm.observe;

import dev.s3llm.recover.PreemptionMode;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * An explanation of a request's latency: its waits and their reasons, its reserved and used memory,
 * and its preemptions with their causes and costs. Immutable.
 *
 * @param predictedTokens median of the latest prediction of the output length; 0 if the request
 *     ended before it had one
 * @param reservedTokens KV slots reserved at the first admission; 0 if it was never admitted
 * @param mostReservedTokens largest number of KV slots that were reserved at any time
 * @param usedTokens number of tokens at the end, prompt and output
 * @param cachedTokens prompt tokens whose KV other requests had computed before the first admission
 * @param waits the waits for memory, in order; the first {@link #MOST_LISTED}
 * @param preemptions the preemptions, in order; the first {@link #MOST_LISTED}
 * @param unlisted number of waits and preemptions that are not listed
 */
public record Explanation(
    int predictedTokens,
    int reservedTokens,
    int mostReservedTokens,
    int usedTokens,
    int cachedTokens,
    List<Wait> waits,
    List<Preemption> preemptions,
    int unlisted) {
  /** Largest number of waits, and of preemptions, that are listed. */
  public static final int MOST_LISTED = 16;

  private static final double NANOS_PER_MILLI = 1e6;

  /** Copies the lists. */
  public Explanation {
    waits = List.copyOf(waits);
    preemptions = List.copyOf(preemptions);
  }

  /**
   * A wait for memory. Immutable.
   *
   * @param waited duration of the wait
   * @param reason the planner's latest reason not to admit the request, or that other requests or
   *     the step in flight came first
   */
  public record Wait(Duration waited, String reason) {}

  /**
   * A preemption. Immutable.
   *
   * @param after time since the request's submission
   * @param mode whether the KV was copied to host memory or dropped
   * @param kvTokens tokens whose KV was taken from the device
   * @param causedBy id of the request that needed more blocks; may be this request's own id
   * @param cost expected time to bring the request back, by the executor's recovery costs
   * @param reason the planner's reason not to enlarge the other request's reservation
   */
  public record Preemption(
      Duration after,
      PreemptionMode mode,
      int kvTokens,
      String causedBy,
      Duration cost,
      String reason) {}

  /** Returns the explanation as one line of text, for a log. */
  public String summary() {
    StringBuilder text = new StringBuilder();
    text.append(
        "predicted %d output tokens; %d tokens reserved at first, %d at most, %d used"
            .formatted(predictedTokens, reservedTokens, mostReservedTokens, usedTokens));
    if (cachedTokens > 0) {
      text.append("; %d prompt tokens were computed before".formatted(cachedTokens));
    }
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
