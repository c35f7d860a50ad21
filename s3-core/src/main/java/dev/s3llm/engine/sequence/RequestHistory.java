package dev.s3llm.engine.sequence;

import dev.s3llm.observe.Explanation;
import dev.s3llm.observe.Explanation.Preemption;
import dev.s3llm.observe.Explanation.Wait;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.recover.PreemptionMode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What happened to one request, and when: its waits, admissions and preemptions, for its result and
 * its {@link Explanation}. Keeps at most as many entries as an explanation lists. All times are in
 * nanoseconds of the engine's clock. Not thread-safe.
 */
public final class RequestHistory {
  private static final String NOT_FIRST = "requests before it, or the step in flight";

  private final long arrivalNanos;
  private final List<Wait> waits = new ArrayList<>(0);
  private List<Preemption> preemptions = List.of();
  private @Nullable String deferral;
  private long waitingSinceNanos;
  private long waitedNanos;
  private boolean admitted;
  private long admittedNanos;
  private long queuedNanos;
  private long firstTokenNanos = -1;
  private int firstReservedTokens;
  private int mostReservedTokens;
  private int unlisted;

  /**
   * Creates the history of a request that waits from its arrival on.
   *
   * @param arrivalNanos time of submission
   */
  public RequestHistory(long arrivalNanos) {
    this.arrivalNanos = arrivalNanos;
    this.waitingSinceNanos = arrivalNanos;
  }

  /** Records why the request had to wait although it was first in the queue. */
  public void deferred(String reason) {
    deferral = reason;
  }

  /**
   * Records an admission.
   *
   * @param now the time
   * @param reservedTokens KV slots reserved
   */
  public void admitted(long now, int reservedTokens) {
    waited(now);
    admittedNanos = now;
    if (!admitted) {
      admitted = true;
      queuedNanos = now - arrivalNanos;
      firstReservedTokens = reservedTokens;
    }
    reserved(reservedTokens);
  }

  /** Returns whether the request was admitted at least once. */
  public boolean admittedBefore() {
    return admitted;
  }

  /** Returns the KV slots of the first reservation; 0 before the first admission. */
  int firstReservedTokens() {
    return firstReservedTokens;
  }

  /** Records that a token was generated. */
  void tokenGenerated(long now) {
    if (firstTokenNanos < 0) {
      firstTokenNanos = Math.max(0, now - arrivalNanos);
    }
  }

  /** Returns how long the request took, if it ends now. */
  public SequenceOutcome.Timing timing(long now) {
    long total = now - arrivalNanos;
    return new SequenceOutcome.Timing(admitted ? queuedNanos : total, firstTokenNanos, total);
  }

  /** Returns the time of the latest admission. */
  public long admittedNanos() {
    return admittedNanos;
  }

  /** Returns the time since which the request waits, if it waits. */
  public long waitingSinceNanos() {
    return waitingSinceNanos;
  }

  /**
   * Returns how long the request has waited over all its waits.
   *
   * @param waiting whether it waits; if so, the present wait counts
   * @param now the time
   */
  public long waitedNanos(boolean waiting, long now) {
    return waitedNanos + (waiting ? Math.max(0, now - waitingSinceNanos) : 0);
  }

  /** Returns what the request waits for, if it waits. */
  public String waitsFor() {
    return deferral == null ? NOT_FIRST : deferral;
  }

  /** Records a reservation of this many KV slots. */
  public void reserved(int tokens) {
    mostReservedTokens = Math.max(mostReservedTokens, tokens);
  }

  private void waited(long now) {
    if (now > waitingSinceNanos) {
      waitedNanos += now - waitingSinceNanos;
      if (waits.size() < Explanation.MOST_LISTED) {
        waits.add(new Wait(Duration.ofNanos(now - waitingSinceNanos), waitsFor()));
      } else {
        unlisted++;
      }
    }
    deferral = null;
  }

  /**
   * Records a preemption, after which the request waits again.
   *
   * @param now the time
   * @param mode what becomes of its KV
   * @param kvTokens tokens whose KV it lost
   * @param causedBy id of the request that needed the memory
   * @param costNanos expected time to bring the KV back
   * @param why the reason, without request data
   */
  public void preempted(
      long now, PreemptionMode mode, int kvTokens, String causedBy, double costNanos, String why) {
    waitingSinceNanos = now;
    if (preemptions.size() == Explanation.MOST_LISTED) {
      unlisted++;
      return;
    }
    List<Preemption> longer = new ArrayList<>(preemptions);
    longer.add(
        new Preemption(
            Duration.ofNanos(now - arrivalNanos),
            mode,
            kvTokens,
            causedBy,
            Duration.ofNanos((long) costNanos),
            why));
    preemptions = longer;
  }

  /**
   * Returns the explanation of a request that ends now.
   *
   * @param waiting whether the request waits; if so, this wait is listed too
   * @param prediction the latest prediction, or null
   * @param usedTokens prompt and output tokens
   * @param cachedTokens prompt tokens that were computed before
   * @param now the time
   */
  public Explanation explain(
      boolean waiting,
      @Nullable LengthPrediction prediction,
      int usedTokens,
      int cachedTokens,
      long now) {
    if (waiting) {
      waited(now);
    }
    return new Explanation(
        prediction == null ? 0 : prediction.quantile(0.5),
        firstReservedTokens,
        mostReservedTokens,
        usedTokens,
        cachedTokens,
        waits,
        preemptions,
        unlisted);
  }
}
