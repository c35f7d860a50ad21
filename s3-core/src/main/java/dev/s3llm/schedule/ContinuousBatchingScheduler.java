package dev.s3llm.schedule;

import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.SequenceView;
import java.util.List;

/**
 * Iteration-level scheduling (ORCA, OSDI 2022) with chunked prefill (Sarathi-Serve, OSDI 2024):
 * every running sequence decodes one token; what is left of the token budget goes to prefills under
 * way, in order of admission, and then to new admissions. A step that preempts or lets a sequence
 * wait for a block admits nobody.
 *
 * <p>Thread-safe: it has no state.
 */
public final class ContinuousBatchingScheduler implements Scheduler {

  /** Creates the scheduler. */
  public ContinuousBatchingScheduler() {}

  @Override
  public void schedule(
      MemoryView memory, TenantQueues waiting, MemoryPlanner planner, StepPlan plan) {
    List<? extends SequenceView> running = memory.running();
    decode(running, plan);
    continuePrefills(running, plan);
    if (plan.preemptions().isEmpty() && plan.stalls().isEmpty()) {
      new AdmissionPass(memory, planner, plan).run(waiting.candidates(), freeSlots(memory, plan));
    }
  }

  private static void decode(List<? extends SequenceView> running, StepPlan plan) {
    for (int i = 0; i < running.size(); i++) {
      SequenceView sequence = running.get(i);
      if (remaining(sequence) == 1 && computable(sequence, plan)) {
        plan.compute(sequence, 1);
      }
    }
  }

  private static void continuePrefills(List<? extends SequenceView> running, StepPlan plan) {
    for (int i = 0; i < running.size() && plan.tokensLeft() > 0; i++) {
      SequenceView sequence = running.get(i);
      int remaining = remaining(sequence);
      if (remaining > 1 && computable(sequence, plan)) {
        plan.compute(sequence, Math.min(remaining, plan.tokensLeft()));
      }
    }
  }

  private static boolean computable(SequenceView sequence, StepPlan plan) {
    return plan.tokensLeft() > 0
        && plan.sequencesLeft() > 0
        && !plan.stalls(sequence)
        && (plan.preemptions().isEmpty() || !plan.preempts(sequence));
  }

  private static int remaining(SequenceView sequence) {
    return sequence.contextTokens() - sequence.kvTokens();
  }

  /** Running sequences that found no place in this step keep their claim on the batch. */
  private static int freeSlots(MemoryView memory, StepPlan plan) {
    int stalled = memory.running().size() - plan.work().size();
    return plan.sequencesLeft() - stalled;
  }
}
