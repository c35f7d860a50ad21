package dev.s3llm.engine.feedback;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.observe.LatencyEstimate;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Says what a request that joins the queue can expect. In a batch that is full, requests start as
 * fast as others end, so the tokens that those before it will produce, over the tokens produced a
 * second, is its wait: whatever limits the batch, memory or arithmetic, is in the measured rate.
 * Its prefill and its steps are taken from {@link StepTimeModel}.
 *
 * <p>Assumes arrival order within a tenant: under other orders short requests start earlier, long
 * ones later. Not thread-safe; deterministic.
 */
public final class LatencyEstimator {
  /** Steps after which a step's weight in the rate has fallen to 1/e. */
  private static final double MEMORY = 200;

  private final int tokenBudget;
  private final StepTimeModel stepTime;
  private double producedTokens;
  private double producingNanos;
  private double stepNanos;

  public LatencyEstimator(int tokenBudget, StepTimeModel stepTime) {
    this.tokenBudget = tokenBudget;
    this.stepTime = stepTime;
  }

  /** Learns the rate from a step that is over. */
  public void learn(int produced, long nanos) {
    double kept = 1 - 1 / MEMORY;
    producedTokens = kept * producedTokens + produced;
    producingNanos = kept * producingNanos + nanos;
    stepNanos += (nanos - stepNanos) / (stepNanos == 0 ? 1 : MEMORY);
  }

  /**
   * What a sequence that has just joined can expect; null as long as too few steps were seen.
   *
   * @param before output tokens expected of those that go before it
   * @param sinceSubmission how long ago it was submitted
   */
  public @Nullable LatencyEstimate estimate(
      Sequence sequence, double before, int running, long kvTokens, long sinceSubmission) {
    if (!stepTime.ready() || producedTokens == 0) {
      return null;
    }
    double wait = sinceSubmission + before * producingNanos / producedTokens;
    int prompt = sequence.promptTokens();
    int room = Math.max(1, tokenBudget - running);
    double steps = Math.ceil((double) prompt / room);
    double prefill =
        steps * stepTime.nanos(running, 0, kvTokens)
            + Math.max(
                0,
                stepTime.nanos(running, prompt, kvTokens) - stepTime.nanos(running, 0, kvTokens));
    double first = wait + prefill;
    double finish = first + Math.max(0, sequence.prediction().mean() - 1) * stepNanos;
    return new LatencyEstimate(nanos(wait), nanos(first), nanos(finish));
  }

  private static Duration nanos(double value) {
    return Duration.ofNanos((long) Math.min(value, Long.MAX_VALUE / 2.0));
  }
}
