package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;

/**
 * Decides how much KV memory is set aside for a sequence. One planner serves one engine, which
 * calls it from one thread.
 *
 * <p>The engine corrects what makes no sense: a reservation is at least what the sequence's present
 * tokens need and at most its worst case, and it is never granted beyond what is available.
 */
public interface MemoryPlanner {

  /** A short name for logs, events and tables. */
  String name();

  /** Called before the decisions of each plan. Nothing by default. */
  default void beginPlan(MemoryView view) {}

  /**
   * Called once for each step that succeeded, after the plan of the next one is settled. Nothing by
   * default.
   */
  default void stepCompleted(StepCost cost) {}

  /** May this waiting sequence start (or start again), and with how much? */
  MemoryDecision admit(SequenceView candidate, MemoryView view);

  /** This running sequence has used its reservation up: how much should it have now? */
  MemoryDecision grow(SequenceView sequence, MemoryView view);

  /**
   * Blocks that {@link #admit} would set aside for this sequence, whatever is free: the weight of
   * the sequence for orders that pack by size.
   */
  int admissionBlocks(SequenceView candidate, MemoryView view);

  /**
   * What a step that is over cost and brought.
   *
   * @param producedTokens output tokens it sampled
   * @param computedTokens tokens the model processed: decodes, prefills and recomputations
   * @param lostTokens tokens whose KV its preemptions took from the device, to be recomputed or
   *     swapped in later
   * @param recoveryTokens what that costs, in tokens to prefill: as many where they are recomputed,
   *     fewer where swapping is cheaper
   * @param nanos from its launch to its end
   */
  public record StepCost(
      int producedTokens, int computedTokens, int lostTokens, double recoveryTokens, long nanos) {}
}
