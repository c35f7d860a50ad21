package dev.s3llm.schedule;

import dev.s3llm.predict.LengthPrediction;

/**
 * A read-only view of a sequence, for memory planners, scheduling policies and recovery policies.
 *
 * <p>Read a view only during a call that it is passed to, from the thread of that call. The engine
 * passes the same object for the same sequence in every call; its values change between calls.
 *
 * <p>Lengths count tokens. While a step is in flight its success is assumed: the tokens that it
 * computes count as computed, and each sequence that samples in it counts one generated token more.
 */
public interface SequenceView {

  /** Returns the sequence's id, which is unique within an engine and ascends with arrival. */
  long sequenceId();

  /** Returns the caller's request id. */
  String requestId();

  /** Returns the length of the prompt, at least 1. */
  int promptTokens();

  /** Returns the number of tokens generated so far, 0 or more. */
  int generatedTokens();

  /** Returns the largest number of tokens that the sequence may generate, at least 1. */
  int maxNewTokens();

  /** Returns the number of tokens whose keys and values are in device memory, 0 or more. */
  int kvTokens();

  /**
   * Returns the latest prediction of the whole output length, capped at {@link #maxNewTokens}. It
   * is made at submission and may be made again while the sequence waits. It is not conditioned on
   * the tokens generated so far; see {@link LengthPrediction#given}.
   */
  LengthPrediction prediction();

  /**
   * Returns the number of KV blocks set aside for the sequence, whether they hold tokens yet or
   * not; 0 unless the sequence is running.
   */
  int reservedBlocks();

  /**
   * Returns the output tokens that the next reservation should cover: twice as many as the
   * reservation that the latest preemption ended (S3, NeurIPS 2023, section 3.3), at most {@link
   * #maxNewTokens}, and 0 before the first preemption. Planners that reserve room for future tokens
   * respect it; planners that reserve room for present tokens alone do not need it.
   */
  int outputFloorTokens();

  /** Returns how often the sequence was preempted. */
  int preemptions();

  /**
   * Returns whether the sequence is exempt from preemption, because it was preempted as often as
   * allowed or its memory cannot grow. The engine admits such a sequence with its worst case,
   * without a call of the planner.
   */
  boolean preemptionExempt();

  /**
   * Returns the number of tokens whose KV is in host memory and is copied back at admission; 0
   * unless the sequence is swapped out.
   */
  int swappedTokens();

  /** Returns the priority; among the sequences of a tenant the higher goes first. */
  int priority();

  /**
   * Returns the name of the tenant that the sequence belongs to; empty by default. Tenants share
   * the engine by their weights.
   */
  default String tenant() {
    return "";
  }

  /**
   * Returns the number of prompt and generated tokens, whose KV must be on the device after the
   * sequence's next step.
   */
  default int contextTokens() {
    return promptTokens() + generatedTokens();
  }

  /** Returns the number of prompt tokens and output tokens that the sequence can have at most. */
  default int worstCaseTokens() {
    return promptTokens() + maxNewTokens();
  }
}
