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

/** What happened to one request, for its {@link Explanation}; as long as that lists. */
public final class RequestHistory {
  private static final String NOT_FIRST = "requests before it, or the step in flight";

  private final long arrivalNanos;
  private final List<Wait> waits = new ArrayList<>(0);
  private List<Preemption> preemptions = List.of();
  private @Nullable String deferral;
  private long waitingSinceNanos;
  private long admittedNanos;
  private int reservedTokens;
  private int mostReservedTokens;
  private int unlisted;

  public RequestHistory(long arrivalNanos) {
    this.arrivalNanos = arrivalNanos;
    this.waitingSinceNanos = arrivalNanos;
  }

  /** It was first in line, and still had to wait. */
  public void deferred(String reason) {
    deferral = reason;
  }

  public void admitted(long now, int tokens) {
    waited(now);
    admittedNanos = now;
    if (mostReservedTokens == 0) {
      reservedTokens = tokens;
    }
    reserved(tokens);
  }

  /** When it was admitted last. */
  public long admittedNanos() {
    return admittedNanos;
  }

  /** Since when it waits, if it does. */
  public long waitingSinceNanos() {
    return waitingSinceNanos;
  }

  /** What it waits for, if it does. */
  public String waitsFor() {
    return deferral == null ? NOT_FIRST : deferral;
  }

  public void reserved(int tokens) {
    mostReservedTokens = Math.max(mostReservedTokens, tokens);
  }

  private void waited(long now) {
    if (now > waitingSinceNanos) {
      if (waits.size() < Explanation.MOST_LISTED) {
        waits.add(new Wait(Duration.ofNanos(now - waitingSinceNanos), waitsFor()));
      } else {
        unlisted++;
      }
    }
    deferral = null;
  }

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

  /** The whole; a wait that never ended is listed too. */
  public Explanation explain(
      boolean waiting, @Nullable LengthPrediction prediction, int usedTokens, long now) {
    if (waiting) {
      waited(now);
    }
    return new Explanation(
        prediction == null ? 0 : prediction.quantile(0.5),
        reservedTokens,
        mostReservedTokens,
        usedTokens,
        waits,
        preemptions,
        unlisted);
  }
}
