package dev.s3llm.schedule;

import dev.s3llm.predict.LengthPrediction;

/**
 * A sequence as planners, orders and recovery see it. Valid during the call it is passed to.
 *
 * <p>Lengths count tokens. While a step is in flight its outcome is assumed: each sequence that
 * samples in it counts one token more.
 */
public interface SequenceView {

  /** Unique within an engine; ascends with arrival. */
  long sequenceId();

  /** The caller's request id. */
  String requestId();

  /** Length of the prompt. */
  int promptTokens();

  /** Tokens generated so far. */
  int generatedTokens();

  /** The most tokens it may generate. */
  int maxNewTokens();

  /** Tokens whose keys and values are in device memory. */
  int kvTokens();

  /** The predicted output length, as it was at submission. */
  LengthPrediction prediction();

  /** Blocks set aside for it, whether they hold tokens yet or not; 0 unless it runs. */
  int reservedBlocks();

  /**
   * Output tokens that its next reservation must cover at least: doubled at each preemption (paper,
   * section 3.3), 0 before the first.
   */
  int outputFloorTokens();

  /** How often it was preempted. */
  int preemptions();

  /**
   * Whether it was preempted as often as is allowed: it is then admitted with its worst case and
   * never preempted again.
   */
  boolean preemptionExempt();

  /** Tokens whose KV waits in host memory and is copied back at admission; 0 unless swapped out. */
  int swappedTokens();

  /** Higher goes first among those of its tenant. */
  int priority();

  /** On whose behalf it runs; tenants share the engine by their weights. */
  default String tenant() {
    return "";
  }

  /** Prompt and generated tokens: what must be in KV for it to go on. */
  default int contextTokens() {
    return promptTokens() + generatedTokens();
  }

  /** Prompt and output limit: the most it can ever need. */
  default int worstCaseTokens() {
    return promptTokens() + maxNewTokens();
  }
}
