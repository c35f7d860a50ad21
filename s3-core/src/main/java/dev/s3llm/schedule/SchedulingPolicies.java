package dev.s3llm.schedule;

import dev.s3llm.support.Settings;

/** The scheduling policies of this library. All are immutable and thread-safe. */
public final class SchedulingPolicies {
  /** Default for the number of requests that may overtake a waiting one. */
  static final int DEFAULT_MAX_OVERTAKES = 1000;

  /** Default for overtakes per expected token; an answer of 125 tokens tolerates 1,000. */
  static final double DEFAULT_OVERTAKES_PER_TOKEN = 8;

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

  static void requireBound(int maxOvertakes) {
    Settings.requireAtLeast("maxOvertakes", maxOvertakes, 1);
  }
}
