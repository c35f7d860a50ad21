package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import java.util.List;

/**
 * Iteration-level scheduling (ORCA, OSDI 2022) with chunked prefill (Sarathi-Serve, OSDI 2024):
 * every running sequence decodes one token; the rest of the token budget goes to prefills under
 * way, in order of admission, and then to new admissions. A step that preempts or stalls a sequence
 * admits none.
 *
 * <p>Not thread-safe: it reads the loop's lists.
 */
public final class ContinuousBatchingScheduler {
  private final MemoryPlanner planner;
  private final TenantQueues<Sequence> waiting;
  private final List<Sequence> running;

  ContinuousBatchingScheduler(
      MemoryPlanner planner, TenantQueues<Sequence> waiting, List<Sequence> running) {
    this.planner = planner;
    this.waiting = waiting;
    this.running = running;
  }

  /**
   * Adds work and admissions to a plan that already has growths, preemptions and stalls.
   *
   * @param memory KV memory before this plan
   * @param plan the plan, with the budgets that are left
   */
  void schedule(MemoryView memory, StepPlan plan) {
    decode(plan);
    continuePrefills(plan);
    if (plan.preemptions().isEmpty() && plan.stalls().isEmpty()) {
      new AdmissionPass(memory, planner, plan).run(waiting.candidates(), freeSlots(plan));
    }
  }

  private void decode(StepPlan plan) {
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      if (remaining(sequence) == 1 && computable(sequence, plan)) {
        plan.compute(sequence, 1);
      }
    }
  }

  private void continuePrefills(StepPlan plan) {
    for (int i = 0; i < running.size() && plan.tokensLeft() > 0; i++) {
      Sequence sequence = running.get(i);
      int remaining = remaining(sequence);
      if (remaining > 1 && computable(sequence, plan)) {
        plan.compute(sequence, Math.min(remaining, plan.tokensLeft()));
      }
    }
  }

  private static boolean computable(Sequence sequence, StepPlan plan) {
    return plan.tokensLeft() > 0
        && plan.sequencesLeft() > 0
        && !plan.stalls(sequence)
        && (plan.preemptions().isEmpty() || !plan.preempts(sequence));
  }

  private static int remaining(Sequence sequence) {
    return sequence.contextTokens() - sequence.kvTokens();
  }

  /**
   * Returns how many sequences may be admitted; running ones left out of this step keep their slot.
   */
  private int freeSlots(StepPlan plan) {
    int stalled = running.size() - plan.work().size();
    return plan.sequencesLeft() - stalled;
  }
}
