package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Iteration-level scheduling (ORCA, OSDI 2022) with chunked prefill (Sarathi-Serve, OSDI 2024):
 * every running sequence decodes, a token or a pass over its canvas; the rest of the token budget
 * goes to prefills under way and to new admissions, as {@link PrefillPass} shares it. A step that
 * preempts or stalls a sequence for lack of memory admits none. A sequence whose mask is not ready
 * sits out the step.
 *
 * <p>A pass over a canvas computes all of it. If the decodes of a batch exceed the token budget,
 * the sequences that most plans in a row have left out come first, so that each has its turn. The
 * first sequence of a step may exceed the budget, up to the limit of the executor.
 *
 * <p>Not thread-safe: it reads the loop's lists.
 */
public final class ContinuousBatchingScheduler {
  private static final Comparator<Sequence> LONGEST_LEFT_OUT =
      Comparator.comparingInt(Sequence::leftOut).reversed();

  private final MemoryPlanner planner;
  private final TenantQueues<Sequence> waiting;
  private final List<Sequence> running;
  private final SharedPrefixes prefixes;
  private final int mostTokens;

  /** Whether the latest step has left out a sequence. */
  private boolean someLeftOut;

  /**
   * Creates the scheduler.
   *
   * @param planner decides about memory
   * @param waiting the waiting sequences; a live view
   * @param running the running sequences; a live view
   * @param prefixes what waiting sequences find on the device
   * @param mostTokens the executor's limit of tokens in a step
   */
  ContinuousBatchingScheduler(
      MemoryPlanner planner,
      TenantQueues<Sequence> waiting,
      List<Sequence> running,
      SharedPrefixes prefixes,
      int mostTokens) {
    this.planner = planner;
    this.prefixes = prefixes;
    this.waiting = waiting;
    this.running = running;
    this.mostTokens = mostTokens;
  }

  /**
   * Adds work and admissions to a plan that already has growths, preemptions and stalls.
   *
   * @param memory KV memory before this plan, without displaced sequences
   * @param plan the plan, with the budgets that are left
   */
  void schedule(MemoryView memory, StepPlan plan) {
    decode(someLeftOut ? longestLeftOutFirst() : running, plan);
    PrefillPass prefills = prefills(plan);
    prefills.start();
    if (!plan.shortOfMemory()) {
      new AdmissionPass(memory, planner, prefixes, plan, prefills, mostTokens)
          .run(waiting.candidates(), freeSlots(plan));
    }
    prefills.finish();
  }

  /** Records which sequences a plan that is carried out leaves out. */
  void recordLeftOut(StepPlan plan) {
    if (someLeftOut) {
      running.stream().filter(s -> !plan.leftOut().contains(s)).forEach(s -> s.setLeftOut(false));
    }
    plan.leftOut().forEach(s -> s.setLeftOut(true));
    someLeftOut = !plan.leftOut().isEmpty();
  }

  private List<Sequence> longestLeftOutFirst() {
    List<Sequence> ordered = new ArrayList<>(running);
    ordered.sort(LONGEST_LEFT_OUT); // stable: then in order of admission
    return ordered;
  }

  private void decode(List<Sequence> sequences, StepPlan plan) {
    for (int i = 0; i < sequences.size(); i++) {
      Sequence sequence = sequences.get(i);
      int tokens = sequence.stepTokens();
      boolean decodes = tokens == 1 || (tokens > 1 && sequence.decodes());
      if (decodes && runs(sequence, plan)) {
        int least = tokens == 1 ? 1 : sequence.leastStepTokens();
        if (fits(least, plan, mostTokens)) {
          plan.compute(sequence, Math.max(least, Math.min(tokens, plan.tokensLeft())));
        } else {
          plan.leaveOut(sequence);
        }
      }
    }
  }

  private PrefillPass prefills(StepPlan plan) {
    PrefillPass prefills = new PrefillPass(plan, mostTokens);
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      if (sequence.stepTokens() > 1 && !sequence.decodes() && runs(sequence, plan)) {
        prefills.add(sequence);
      }
    }
    return prefills;
  }

  /** Returns whether a step can take a sequence that computes so many positions at least. */
  static boolean fits(int least, StepPlan plan, int mostTokens) {
    return least <= plan.tokensLeft() || (plan.work().isEmpty() && least <= mostTokens);
  }

  private static boolean runs(Sequence sequence, StepPlan plan) {
    return plan.sequencesLeft() > 0
        && !sequence.awaitsMask()
        && !plan.stalls(sequence)
        && (plan.preemptions().isEmpty() || !plan.preempts(sequence));
  }

  /**
   * Returns how many sequences may be admitted; running ones left out of this step keep their slot.
   */
  private int freeSlots(StepPlan plan) {
    int stalled = running.size() - plan.preemptions().size() - plan.work().size();
    return plan.sequencesLeft() - stalled;
  }
}
