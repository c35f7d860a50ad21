package dev.s3llm.schedule;

import com.google.common.base.Preconditions;
import dev.s3llm.support.Nanos;
import dev.s3llm.support.Settings;
import java.time.Duration;
import java.util.Objects;

/** The scheduling policies of this library. All are immutable and thread-safe. */
public final class SchedulingPolicies {
  /** Default for the number of requests that may overtake a waiting one. */
  public static final int DEFAULT_MAX_OVERTAKES = 1000;

  /** Default for the ageing of {@link #shortestRemainingFirst()} with each turn of the queue. */
  public static final double DEFAULT_AGEING_PER_TURN = 1;

  /** Default for the number of times that a running request gives its place to others. */
  public static final int DEFAULT_MAX_DISPLACEMENTS = 1;

  /** Default for the number of overtakes where requests age, which bounds these too. */
  static final int DEFAULT_MAX_OVERTAKES_AGED = 100_000;

  /** Default for overtakes per expected token; an answer of 125 tokens tolerates 1,000. */
  static final double DEFAULT_OVERTAKES_PER_TOKEN = 8;

  /** Default for the output tokens that a prompt token counts for where work is compared. */
  public static final double DEFAULT_OUTPUT_PER_PROMPT_TOKEN = 0.1;

  /** Default for the part of the tail that is added to the mean. */
  static final double DEFAULT_TAIL_WEIGHT = 0.5;

  /** Default for the time that an output token takes where slack is computed. */
  static final Duration DEFAULT_TIME_PER_OUTPUT_TOKEN = Duration.ofMillis(30);

  private SchedulingPolicies() {}

  /**
   * Returns the order of arrival. At most 1,000 later requests of higher priority overtake a
   * waiting one. A preempted sequence keeps its arrival, so it goes before all that arrived later.
   */
  public static SchedulingPolicy firstComeFirstServed() {
    return firstComeFirstServed(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of arrival. A preempted sequence keeps its arrival, so it goes before all
   * that arrived later.
   *
   * @param maxOvertakes number of requests of higher priority that may overtake a waiting one, at
   *     least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy firstComeFirstServed(int maxOvertakes) {
    return new FirstComeFirstServed(maxOvertakes);
  }

  /**
   * Returns decreasing first fit (S3, NeurIPS 2023, section 3.2): of the sequences that fit, the
   * one for which the planner would reserve the most KV memory goes first. At most 1,000 requests
   * overtake a waiting one; the paper has no such bound.
   */
  public static SchedulingPolicy decreasingFirstFit() {
    return decreasingFirstFit(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns decreasing first fit (S3, NeurIPS 2023, section 3.2): of the sequences that fit, the
   * one for which the planner would reserve the most KV memory goes first.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy decreasingFirstFit(int maxOvertakes) {
    return new DecreasingFirstFit(maxOvertakes);
  }

  /**
   * Returns the order of the expected remaining output, shortest first, which lowers the mean
   * latency. The bound on overtaking depends on the request's own expected output: 8 requests for
   * each token, at least 1 and at most 1,000.
   */
  public static SchedulingPolicy shortestPredictedFirst() {
    return shortestPredictedFirst(DEFAULT_MAX_OVERTAKES, DEFAULT_OVERTAKES_PER_TOKEN);
  }

  /**
   * Returns the order of the expected remaining output, shortest first, which lowers the mean
   * latency. The bound on overtaking depends on the request's own expected output: 8 requests for
   * each token, at least 1 and at most the given bound.
   *
   * @param maxOvertakes number of requests that may overtake any waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy shortestPredictedFirst(int maxOvertakes) {
    return shortestPredictedFirst(maxOvertakes, DEFAULT_OVERTAKES_PER_TOKEN);
  }

  /**
   * Returns the order of the expected remaining output, shortest first, which lowers the mean
   * latency. The bound on overtaking depends on the request's own expected output: a request with a
   * short answer is overtaken less often than one with a long answer.
   *
   * @param maxOvertakes number of requests that may overtake any waiting one, at least 1
   * @param overtakesPerToken number of requests that may overtake a waiting one for each token of
   *     its expected remaining output; above 0
   * @throws IllegalArgumentException if a bound is out of range
   */
  public static SchedulingPolicy shortestPredictedFirst(
      int maxOvertakes, double overtakesPerToken) {
    return new ShortestPredictedFirst(maxOvertakes, overtakesPerToken);
  }

  /**
   * Returns the order of arrival in which smaller requests pass a request that does not fit into
   * memory yet. At most 1,000 requests overtake a waiting one.
   */
  public static SchedulingPolicy firstComeFirstServedSkipping() {
    return firstComeFirstServedSkipping(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of arrival in which smaller requests pass a request that does not fit into
   * memory yet. A request that as many others have overtaken as allowed holds up all others until
   * it fits.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy firstComeFirstServedSkipping(int maxOvertakes) {
    return new SortedByRank("fcfs-skip", maxOvertakes, true, sequence -> 0);
  }

  /**
   * Returns the order of the work left, least first: the expected remaining output, plus a tenth of
   * an output token for each prompt token that must still be computed. At most 1,000 requests
   * overtake a waiting one. Better than {@link #shortestPredictedFirst()} where prompts are long.
   */
  public static SchedulingPolicy leastWorkFirst() {
    return leastWorkFirst(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of the work left, least first: the expected remaining output, plus a tenth of
   * an output token for each prompt token that must still be computed.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy leastWorkFirst(int maxOvertakes) {
    return leastWorkFirst(maxOvertakes, DEFAULT_OUTPUT_PER_PROMPT_TOKEN);
  }

  /**
   * Returns the order of the work left, least first: the expected remaining output, plus a share of
   * an output token for each prompt token that must still be computed. After a preemption by
   * recomputing, the generated tokens must be computed like prompt tokens; swapped tokens need not.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @param outputPerPromptToken output tokens that take as long as one prompt token; 0 or more and
   *     finite
   * @throws IllegalArgumentException if a value is out of range
   */
  public static SchedulingPolicy leastWorkFirst(int maxOvertakes, double outputPerPromptToken) {
    return new SortedByRank("work", maxOvertakes, false, Rankings.work(outputPerPromptToken));
  }

  /**
   * Returns the order of the tail-inflated mean of the remaining output, least first, with half of
   * the tail. At most 1,000 requests overtake a waiting one. See {@link #leastTailFirst(int,
   * double)}.
   */
  public static SchedulingPolicy leastTailFirst() {
    return leastTailFirst(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of the tail-inflated mean of the remaining output, least first, with half of
   * the tail. See {@link #leastTailFirst(int, double)}.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy leastTailFirst(int maxOvertakes) {
    return leastTailFirst(maxOvertakes, DEFAULT_TAIL_WEIGHT);
  }

  /**
   * Returns the order of the tail-inflated mean of the remaining output, least first: the mean of
   * the predicted distribution plus a part of the distance from the mean to the 90 % quantile. Of
   * two answers with the same mean, the more certain one goes first, because an answer of unknown
   * length may hold memory for long. Predictions of a single number have no tail; the order is then
   * that of {@link #shortestPredictedFirst(int)}, apart from the bound on overtaking.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @param tailWeight part of the distance that is added to the mean; 0 or more and finite
   * @throws IllegalArgumentException if a value is out of range
   */
  public static SchedulingPolicy leastTailFirst(int maxOvertakes, double tailWeight) {
    return new SortedByRank("tail", maxOvertakes, false, Rankings.tail(tailWeight));
  }

  /**
   * Returns the order of the volume, smallest first: the KV memory that a request holds, times the
   * steps for which it holds it. At most 1,000 requests overtake a waiting one.
   */
  public static SchedulingPolicy smallestVolumeFirst() {
    return smallestVolumeFirst(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of the volume, smallest first: the KV memory that a request holds, times the
   * steps for which it holds it. With an expected remaining output of r tokens and a context of c
   * tokens, the volume is {@code r * (c + r / 2)}; of a canvas, its slots times the steps left.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy smallestVolumeFirst(int maxOvertakes) {
    return new SortedByRank("volume", maxOvertakes, false, Rankings::volume);
  }

  /**
   * Returns the order of the deadlines, earliest first; requests without a deadline come last, in
   * order of arrival. At most 1,000 requests overtake a waiting one.
   */
  public static SchedulingPolicy earliestDeadlineFirst() {
    return earliestDeadlineFirst(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of the deadlines, earliest first; requests without a deadline come last, in
   * order of arrival.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy earliestDeadlineFirst(int maxOvertakes) {
    return new SortedByRank("edf", maxOvertakes, false, SequenceView::deadlineNanos);
  }

  /**
   * Returns the order of the slack, least first, with 30 ms for an output token. At most 1,000
   * requests overtake a waiting one. See {@link #leastSlackFirst(int, Duration)}.
   */
  public static SchedulingPolicy leastSlackFirst() {
    return leastSlackFirst(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of the slack, least first, with 30 ms for an output token. See {@link
   * #leastSlackFirst(int, Duration)}.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy leastSlackFirst(int maxOvertakes) {
    return leastSlackFirst(maxOvertakes, DEFAULT_TIME_PER_OUTPUT_TOKEN);
  }

  /**
   * Returns the order of the slack, least first: the time to the deadline less the expected
   * service. The service is the given time for each expected output token, and a tenth of it for
   * each prompt token that must still be computed. Requests without a deadline come last, in order
   * of arrival.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @param timePerOutputToken time that an output token takes in a typical batch; positive
   * @throws IllegalArgumentException if a value is out of range
   */
  public static SchedulingPolicy leastSlackFirst(int maxOvertakes, Duration timePerOutputToken) {
    Objects.requireNonNull(timePerOutputToken, "timePerOutputToken must not be null");
    Preconditions.checkArgument(
        timePerOutputToken.compareTo(Duration.ZERO) > 0,
        "timePerOutputToken must be positive, but is %s",
        timePerOutputToken);
    return new SortedByRank(
        "slack",
        maxOvertakes,
        false,
        Rankings.slack(Nanos.of(timePerOutputToken), DEFAULT_OUTPUT_PER_PROMPT_TOKEN));
  }

  /**
   * Returns the order of the attained service, least first: the output tokens that a request has
   * got so far. A request that was preempted goes behind all requests that have got less, so new
   * requests come first, in order of arrival. Needs no predictions. At most 1,000 requests overtake
   * a waiting one.
   */
  public static SchedulingPolicy leastAttainedServiceFirst() {
    return leastAttainedServiceFirst(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of the attained service, least first: the output tokens that a request has
   * got so far. A request that was preempted goes behind all requests that have got less, so new
   * requests come first, in order of arrival. Needs no predictions.
   *
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy leastAttainedServiceFirst(int maxOvertakes) {
    return new SortedByRank("attained", maxOvertakes, false, SequenceView::generatedTokens);
  }

  /**
   * Returns the order of the work left, least first, running sequences included: shortest remaining
   * processing time. Requests age by {@value #DEFAULT_AGEING_PER_TURN} with each turn of the queue,
   * and a request gives its place to another one once at most. See {@link
   * #shortestRemainingFirst(double, int, int)}.
   */
  public static SchedulingPolicy shortestRemainingFirst() {
    return shortestRemainingFirst(DEFAULT_AGEING_PER_TURN);
  }

  /**
   * Returns the order of the work left, least first, running sequences included. A request gives
   * its place to another one once at most. See {@link #shortestRemainingFirst(double, int, int)}.
   *
   * @param ageingPerTurn by how much the square root of a request's work counts as lower with each
   *     turn of the queue since it joined; 0 or more and finite
   * @throws IllegalArgumentException if the rate is out of range
   */
  public static SchedulingPolicy shortestRemainingFirst(double ageingPerTurn) {
    return shortestRemainingFirst(
        ageingPerTurn, DEFAULT_MAX_DISPLACEMENTS, DEFAULT_MAX_OVERTAKES_AGED);
  }

  /**
   * Returns the order of the work left, least first, running sequences included: shortest remaining
   * processing time (Schrage, Operations Research 1968), with ageing. The work left is the expected
   * remaining output, and a tenth of a token for each prompt token that must still be computed.
   *
   * <p>Ageing. The queue makes a turn while as many requests are admitted as wait ({@link
   * SequenceView#queueTurns}). With each turn, the square root of a request's work counts as lower
   * by {@code ageingPerTurn}. With 1, a request of 400 tokens (root 20) goes after 4 turns before a
   * new one of 256 (root 16). So a request with w tokens of work is overtaken only by requests that
   * join within {@code sqrt(w) / ageingPerTurn} turns after it. Turns adapt to the load: in a short
   * queue a request ages fast, which bounds its wait; in a burst all age slowly, so that short
   * requests keep passing. A higher rate lowers the longest latencies and raises the mean; without
   * ageing, the bound on overtaking alone prevents starvation.
   *
   * <p>The first waiting request takes the place of a running one whose remaining output is more
   * than three times its work, plus the cost of bringing the running one back. The running one must
   * be in the first half of its expected life.
   *
   * @param ageingPerTurn by how much the square root of a request's work, in tokens, counts as
   *     lower with each turn of the queue since it joined; 0 or more and finite
   * @param maxDisplacements how often others may take a request's place while it runs; 0 or more
   * @param maxOvertakes number of requests that may overtake a waiting one, at least 1
   * @throws IllegalArgumentException if a value is out of range
   */
  public static SchedulingPolicy shortestRemainingFirst(
      double ageingPerTurn, int maxDisplacements, int maxOvertakes) {
    return new ShortestRemainingFirst(ageingPerTurn, maxDisplacements, maxOvertakes);
  }

  static void requireBound(int maxOvertakes) {
    Settings.requireAtLeast("maxOvertakes", maxOvertakes, 1);
  }
}
