package dev.s3llm.schedule;

import com.google.common.base.Preconditions;

/** The scheduling policies of this library. */
public final class SchedulingPolicies {
  /** How many others may overtake a waiting sequence, by default. */
  static final int DEFAULT_MAX_OVERTAKES = 1000;

  /** Overtakes per expected token by default; an answer of 125 tokens tolerates 1,000. */
  static final double DEFAULT_OVERTAKES_PER_TOKEN = 8;

  private SchedulingPolicies() {}

  /**
   * Returns the order of arrival, with at most 1,000 requests of higher priority before one that
   * waits. Preempted sequences keep their arrival, so they come first.
   */
  public static SchedulingPolicy firstComeFirstServed() {
    return firstComeFirstServed(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns the order of arrival. Preempted sequences keep their arrival, so they come first.
   *
   * @param maxOvertakes how many requests of higher priority may overtake one that waits, at least
   *     1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy firstComeFirstServed(int maxOvertakes) {
    return new FirstComeFirstServed(maxOvertakes);
  }

  /**
   * Returns decreasing first fit (S3, NeurIPS 2023, section 3.2): the largest that fits goes first,
   * by the KV memory that the planner would reserve. At most 1,000 requests overtake one that
   * waits, a bound that the paper does not have.
   */
  public static SchedulingPolicy decreasingFirstFit() {
    return decreasingFirstFit(DEFAULT_MAX_OVERTAKES);
  }

  /**
   * Returns decreasing first fit (S3, NeurIPS 2023, section 3.2): the largest that fits goes first,
   * by the KV memory that the planner would reserve.
   *
   * @param maxOvertakes how many requests may overtake one that waits, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy decreasingFirstFit(int maxOvertakes) {
    return new DecreasingFirstFit(maxOvertakes);
  }

  /**
   * Returns the order of the expected remaining output, shortest first, which lowers the mean
   * latency. How many requests may overtake one depends on its own expected output: 8 for each
   * token, and at most 1,000.
   */
  public static SchedulingPolicy shortestPredictedFirst() {
    return shortestPredictedFirst(DEFAULT_MAX_OVERTAKES, DEFAULT_OVERTAKES_PER_TOKEN);
  }

  /**
   * Returns the order of the expected remaining output, shortest first, which lowers the mean
   * latency. How many requests may overtake one depends on its own expected output: 8 for each
   * token, up to the given bound.
   *
   * @param maxOvertakes how many requests may overtake the longest one, at least 1
   * @throws IllegalArgumentException if the bound is below 1
   */
  public static SchedulingPolicy shortestPredictedFirst(int maxOvertakes) {
    return shortestPredictedFirst(maxOvertakes, DEFAULT_OVERTAKES_PER_TOKEN);
  }

  /**
   * Returns the order of the expected remaining output, shortest first, which lowers the mean
   * latency. How many requests may overtake one depends on its own expected output: a request that
   * needs little does not wait long, and one that needs much tolerates more.
   *
   * @param maxOvertakes how many requests may overtake the longest one, at least 1
   * @param overtakesPerToken how many requests may overtake one for each token of its expected
   *     remaining output; above 0
   * @throws IllegalArgumentException if a bound is out of range
   */
  public static SchedulingPolicy shortestPredictedFirst(
      int maxOvertakes, double overtakesPerToken) {
    return new ShortestPredictedFirst(maxOvertakes, overtakesPerToken);
  }

  static void requireBound(int maxOvertakes) {
    Preconditions.checkArgument(
        maxOvertakes >= 1, "maxOvertakes must be at least 1, but is %s", maxOvertakes);
  }
}
