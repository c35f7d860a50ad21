package dev.s3llm.engine.feedback;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.observe.LatencyEstimate;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Estimates when a request that joins the queue starts, has its first token, and ends. If the batch
 * is full, requests start as fast as others end: so the wait is the number of tokens that the
 * requests before it will produce, divided by the measured tokens per second. That rate includes
 * whatever limits the batch, memory or arithmetic. {@link StepTimeModel} estimates the prefill; the
 * measured mean step time gives the rest, once for each step that is left. The first token of a
 * canvas is expected with the last one: a masked decoder may commit all of them in its last pass.
 *
 * <p>The requests before it are those in the order of the queue as it is when the request joins.
 * Requests that arrive later and overtake it do not count; under orders other than that of arrival,
 * long requests start later than estimated. Not thread-safe; deterministic.
 */
public final class LatencyEstimator {
  /** The number of steps after which the weight of a step in the rate has fallen to 1/e. */
  private static final double MEMORY = 200;

  private final int tokenBudget;
  private final StepTimeModel stepTime;
  private double producedTokens;
  private double producingNanos;
  private double stepNanos;
  private long observedSteps;

  /**
   * Creates an estimator without observations.
   *
   * @param tokenBudget the token budget of a step, at least 1
   * @param stepTime estimates step times; fitted by its other users
   */
  public LatencyEstimator(int tokenBudget, StepTimeModel stepTime) {
    this.tokenBudget = tokenBudget;
    this.stepTime = stepTime;
  }

  /**
   * Adds a step that has ended to the rate.
   *
   * @param produced output tokens that it sampled
   * @param nanos its duration
   */
  public void observe(int produced, long nanos) {
    double kept = 1 - 1 / MEMORY;
    observedSteps++;
    producedTokens = kept * producedTokens + produced;
    producingNanos = kept * producingNanos + nanos;
    stepNanos += (nanos - stepNanos) / (stepNanos == 0 ? 1 : MEMORY);
  }

  /**
   * Returns the estimate for a sequence that has just joined the queue, or null if too few steps
   * were observed.
   *
   * @param sequence the sequence
   * @param before output tokens expected of the sequences that go before it
   * @param running number of running sequences
   * @param kvTokens tokens in device KV
   * @param sinceSubmission time since its submission, in nanoseconds
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
    double finish = wait + prefill + Math.max(0, sequence.stepsLeft() - 1) * stepNanos;
    double first = sequence.canvas() ? finish : wait + prefill;
    return new LatencyEstimate(nanos(wait), nanos(first), nanos(finish));
  }

  /**
   * Returns the time in which so many tokens are produced, at least that of a step. After few steps
   * the measured rate is that of small batches and of prefill, so it counts only as far as steps
   * were measured; for the rest the present batch decodes as {@link StepTimeModel} expects.
   *
   * @param tokens output tokens, 0 or more
   * @param running number of running sequences
   * @param kvTokens tokens in device KV
   * @return nanoseconds; -1 if no step has produced a token yet
   */
  public long nanosToProduce(double tokens, int running, long kvTokens) {
    if (producedTokens == 0) {
      return -1;
    }
    double perToken = producingNanos / producedTokens;
    if (running > 0 && stepTime.ready()) {
      double decoding = Math.min(perToken, stepTime.nanos(running, 0, kvTokens) / running);
      perToken -= Math.exp(-observedSteps / MEMORY) * (perToken - decoding);
    }
    return (long) Math.max(stepNanos, tokens * perToken);
  }

  private static Duration nanos(double value) {
    return Duration.ofNanos((long) Math.min(value, Long.MAX_VALUE / 2.0));
  }
}
