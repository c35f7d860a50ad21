package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;

/**
 * Decides how much KV memory is set aside for a sequence. One planner serves one engine, which
 * calls it from one thread.
 *
 * <p>The engine corrects decisions that it cannot grant: a reservation covers at least the slots
 * that the sequence needs for its next step ({@link SequenceView#slotsNeeded}) and at most its
 * worst case, and it is refused if it exceeds the available blocks. Where KV does not grow step by
 * step ({@link dev.s3llm.execute.ExecutorProfile.KvGrowth#FIXED_CANVAS}), a growth covers at least
 * twice the output slots. A sequence that is exempt from preemption is admitted without a call of
 * the planner.
 */
public interface MemoryPlanner {

  /** Returns a short name for logs, events and tables. */
  String name();

  /**
   * Starts a plan. The engine calls it once before the calls of {@link #admit} and {@link #grow} of
   * each plan, also for a plan that is replaced before it is carried out. Does nothing by default.
   *
   * @param view KV memory before the plan
   */
  default void beginPlan(MemoryView view) {}

  /**
   * Reports the cost of a step. The engine calls it once for each step that succeeded, when the
   * next step is launched. Does nothing by default.
   *
   * @param cost the cost of the step and the tokens that it produced
   */
  default void stepCompleted(StepCost cost) {}

  /**
   * Decides whether a waiting sequence may start, or start again, and how many blocks it gets. If
   * the result is {@link MemoryDecision.Reserve} and the blocks are available, the engine admits
   * the sequence in this plan.
   *
   * @param candidate the waiting sequence
   * @param view KV memory as the plan leaves it so far
   */
  MemoryDecision admit(SequenceView candidate, MemoryView view);

  /**
   * Decides how many blocks a running sequence gets that has used up its reservation. If the result
   * is {@link MemoryDecision.Defer}, or more than is available, the engine makes room by recovery.
   *
   * @param sequence the running sequence; its next step needs {@link SequenceView#slotsNeeded}
   *     slots, which is at least a block more than it has reserved
   * @param view KV memory as the plan leaves it so far; the sequence's own blocks do not count as
   *     available
   */
  MemoryDecision grow(SequenceView sequence, MemoryView view);

  /**
   * Returns the number of KV blocks that {@link #admit} would set aside for a sequence if enough
   * were available. Scheduling policies that pack by size rank the sequence by this number.
   *
   * @param candidate a waiting sequence
   * @param view KV memory at present
   */
  int admissionBlocks(SequenceView candidate, MemoryView view);

  /**
   * The cost of a completed step and the tokens that it produced. Immutable.
   *
   * @param producedTokens output tokens that the step committed, and, of canvases that ended with
   *     it, the slots without a token; 0 or more
   * @param computedTokens tokens that the model processed in decodes, prefills, recomputations and
   *     passes over canvases, 0 or more
   * @param lostTokens tokens whose KV was taken from the device by the step's preemptions, to be
   *     recomputed or swapped in later, and positions of passes to repeat; 0 or more
   * @param recoveryTokens cost to bring the lost tokens back, in tokens to prefill: as many as lost
   *     if they are recomputed, fewer if swapping is cheaper
   * @param nanos nanoseconds from the step's launch to its end
   */
  record StepCost(
      int producedTokens, int computedTokens, int lostTokens, double recoveryTokens, long nanos) {}
}
