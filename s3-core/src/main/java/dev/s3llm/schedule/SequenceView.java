package dev.s3llm.schedule;

import dev.s3llm.predict.LengthPrediction;

/**
 * A read-only view of a sequence, for memory planners, scheduling policies and recovery policies.
 *
 * <p>Read a view only during a call that it is passed to, from the thread of that call. The engine
 * passes the same object for the same sequence in every call; its values change between calls.
 *
 * <p>Lengths count tokens; a token takes one KV slot. While a step is in flight its success is
 * assumed: the tokens that it computes count as computed, each sequence that samples in it counts
 * one generated token more, and each canvas counts one pass more.
 *
 * <p>A sequence with a {@link #canvas} decodes in passes over a fixed number of slots, in place of
 * one slot more with each token. All values below are filled by the engine; a view of another
 * origin needs only the methods without a default.
 */
public interface SequenceView {

  /** Returns the sequence's id, which is unique within an engine and ascends with arrival. */
  long sequenceId();

  /** Returns the caller's request id. */
  String requestId();

  /** Returns the length of the prompt, at least 1; an opaque input counts with its slots. */
  int promptTokens();

  /** Returns the number of tokens generated so far, 0 or more. */
  int generatedTokens();

  /** Returns the largest number of tokens that the sequence may generate, at least 1. */
  int maxNewTokens();

  /**
   * Returns the number of tokens whose keys and values are in device memory and stay valid, 0 or
   * more. A canvas is computed anew in each pass, so it does not count.
   */
  int kvTokens();

  /**
   * Returns the latest prediction of the whole output length, capped at {@link #maxNewTokens}. It
   * is made at submission, may be made again while the sequence waits, and may be revised while it
   * runs ({@link dev.s3llm.predict.LengthPredictor#revise}). It is not conditioned on the tokens
   * generated so far; see {@link LengthPrediction#given}.
   */
  LengthPrediction prediction();

  /**
   * Returns the number of KV blocks set aside for the sequence, whether they hold tokens yet or
   * not; 0 unless the sequence is running.
   */
  int reservedBlocks();

  /**
   * Returns how many of the sequence's blocks other running sequences own, too, because they begin
   * alike: of the reserved blocks, or while it waits, of those that it would have after its
   * admission. They are in memory with or without this sequence. 0 by default.
   */
  default int sharedBlocks() {
    return 0;
  }

  /**
   * Returns the number of tokens of a waiting sequence, from the first one on, whose keys and
   * values are in device memory because another sequence has computed them: whole blocks, and never
   * the last token. They are neither computed nor allocated again at admission; 0 while it runs.
   */
  default int reusableTokens() {
    return 0;
  }

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
   * allowed. The engine admits such a sequence with its worst case, without a call of the planner.
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
   * Returns the time of the request's submission, in nanoseconds of the engine's clock; 0 by
   * default.
   */
  default long arrivalNanos() {
    return 0;
  }

  /**
   * Returns how many turns the tenant's queue had made when the sequence first joined it; 0 by
   * default. A turn is as many admissions as sequences wait: an admission while n sequences wait
   * adds 1/n. Of two sequences of a tenant, the difference says by how many turns the one joined
   * after the other: the time between them, in proportion to how long the queue was.
   */
  default double queueTurns() {
    return 0;
  }

  /**
   * Returns the time at which the request times out, in nanoseconds of the engine's clock; {@link
   * Long#MAX_VALUE} if it has no deadline, which is the default.
   */
  default long deadlineNanos() {
    return Long.MAX_VALUE;
  }

  /**
   * Returns the longest time to the first token that the request accepts, in nanoseconds from its
   * arrival; {@link Long#MAX_VALUE} if it has no such target, which is the default.
   */
  default long ttftTargetNanos() {
    return Long.MAX_VALUE;
  }

  /**
   * Returns how long the sequence has waited, in nanoseconds: from its arrival to its first
   * admission, and from each preemption to the admission after it. A wait that goes on counts until
   * the begin of the engine's present pass. 0 by default.
   */
  default long waitedNanos() {
    return 0;
  }

  /**
   * Returns the output tokens that the sequence is still expected to generate, given that its
   * answer is longer than {@link #generatedTokens}; see {@link LengthPrediction#expectedRemaining}.
   * The engine computes it with every 16th token, and counts down in between. For a known canvas,
   * its slots, because a canvas starts over after a wait.
   */
  default double expectedRemainingTokens() {
    if (canvas() && slotsNeeded() > promptTokens()) {
      return slotsNeeded() - promptTokens();
    }
    return prediction().expectedRemaining(generatedTokens());
  }

  /**
   * Returns the number of prompt and generated tokens. Unless the executor has reported slots of
   * its own, their KV must be on the device after the sequence's next step; see {@link
   * #slotsNeeded}.
   */
  default int contextTokens() {
    return promptTokens() + generatedTokens();
  }

  /** Returns the number of prompt tokens and output tokens that the sequence can have at most. */
  default int worstCaseTokens() {
    return promptTokens() + maxNewTokens();
  }

  /**
   * Returns the number of KV slots that the reservation must cover for the next step: the context,
   * or the slots that the executor has reported if these are more (a canvas, drafts). While a
   * sequence with {@link dev.s3llm.execute.ExecutorProfile.KvGrowth#FIXED_CANVAS} waits after a
   * preemption, also {@link #outputFloorTokens} slots of output. From {@link #contextTokens} to
   * {@link #worstCaseTokens}; a known canvas keeps its slots while the sequence waits.
   */
  default int slotsNeeded() {
    return contextTokens();
  }

  /**
   * Returns the number of positions that the next step computes if the token budget allows it: 1
   * for a decode, the rest of the prompt for a prefill, the whole canvas for a pass. The engine
   * knows it from the tokens and the executor's reports. At least 1 before a step; while a step is
   * in flight whose result is not foreseeable, it may be 0.
   */
  default int stepTokens() {
    return contextTokens() - Math.max(kvTokens(), Math.max(swappedTokens(), reusableTokens()));
  }

  /**
   * Returns the number of steps that the sequence is expected to take until it ends, the next one
   * included and a prefill counted as one; at least 1. Token by token, that is {@link
   * #expectedRemainingTokens}. For a canvas, it is the number of passes left as the executor
   * reported it, or else as its profile says, and one more before the prefill.
   */
  default double stepsLeft() {
    return Math.max(1, expectedRemainingTokens());
  }

  /**
   * Returns whether the sequence decodes on a canvas: it holds {@link #slotsNeeded} slots until it
   * ends. Until the executor has reported the canvas, the profile says whether one is expected, and
   * {@link #slotsNeeded} is the prompt alone at the first admission.
   */
  default boolean canvas() {
    return false;
  }

  /**
   * Returns the number of positions to compute again if the sequence is preempted now and its KV is
   * dropped: the tokens in KV that are not in shared blocks, and for a canvas its prompt and all
   * passes since its admission.
   */
  default int recomputeTokens() {
    return kvTokens();
  }

  /**
   * Returns whether the KV can be copied to host memory in place of a recomputation. False for a
   * canvas: it starts over.
   */
  default boolean swappable() {
    return true;
  }
}
