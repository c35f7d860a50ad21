package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;

/** The part of a plan that admits waiting sequences, in the order of the {@link Candidates}. */
final class AdmissionPass {
  /** The most sequences that a plan skips because they do not fit, if the policy skips at all. */
  private static final int MAX_UNFIT = 64;

  private final MemoryView memory;
  private final MemoryPlanner planner;
  private final StepPlan plan;
  private final PrefillPass prefills;
  private final int mostTokens;

  AdmissionPass(
      MemoryView memory,
      MemoryPlanner planner,
      StepPlan plan,
      PrefillPass prefills,
      int mostTokens) {
    this.memory = memory;
    this.planner = planner;
    this.plan = plan;
    this.prefills = prefills;
    this.mostTokens = mostTokens;
  }

  /**
   * Admits candidates until the budgets of the plan are used up or no further candidate may go. A
   * candidate whose input is too large for the rest of this step, or too long to start beside the
   * prefills under way, waits for another step, and nobody passes it: so that step comes.
   *
   * @param candidates the waiting sequences, in order
   * @param freeSlots how many sequences the batch can still take
   */
  void run(Candidates<Sequence> candidates, int freeSlots) {
    int slots = freeSlots;
    int unfit = 0;
    Sequence candidate;
    while (plan.tokensLeft() > 0
        && slots > 0
        && unfit < MAX_UNFIT
        && (candidate = candidates.next()) != null
        && prefills.tokensFor(candidate) > 0
        && ContinuousBatchingScheduler.fits(candidate.leastStepTokens(), plan, mostTokens)) {
      if (tryAdmit(candidate)) {
        candidates.admitted();
        slots--;
      } else {
        candidates.unfit(plan.availableBlocks());
        unfit++;
      }
    }
  }

  private boolean tryAdmit(Sequence candidate) {
    MemoryView now =
        new MemoryView(
            memory.blockTokens(),
            memory.capacityBlocks(),
            plan.availableBlocks(),
            memory.running());
    MemoryDecision decision = Termination.admission(planner, candidate, now);
    int needed = Termination.neededBlocks(decision, candidate, memory.blockTokens());
    if (decision instanceof MemoryDecision.Defer || needed > plan.availableBlocks()) {
      plan.defer(new Decision.Defer(candidate, needed, plan.availableBlocks(), decision.reason()));
      return false;
    }
    plan.admit(new Decision.Admit(candidate, needed, decision.reason()));
    int tokens = Math.max(prefills.tokensFor(candidate), candidate.leastStepTokens());
    plan.compute(candidate, tokens);
    prefills.admitted(candidate, tokens);
    return true;
  }
}
