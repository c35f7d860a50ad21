package dev.s3llm.engine.plan;

import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;

/** The part of a plan that admits waiting sequences, in the order of the {@link Candidates}. */
final class AdmissionPass {
  /** The most sequences that a plan passes over because they do not fit or wait for a prefix. */
  private static final int MAX_PASSED = 64;

  private final MemoryView memory;
  private final MemoryPlanner planner;
  private final StepPlan plan;
  private final PrefillPass prefills;
  private final SharedPrefixes prefixes;
  private final int mostTokens;

  AdmissionPass(
      MemoryView memory,
      MemoryPlanner planner,
      SharedPrefixes prefixes,
      StepPlan plan,
      PrefillPass prefills,
      int mostTokens) {
    this.memory = memory;
    this.planner = planner;
    this.prefixes = prefixes;
    this.plan = plan;
    this.prefills = prefills;
    this.mostTokens = mostTokens;
  }

  /**
   * Admits candidates until the budgets of the plan are used up or no further candidate may go. A
   * candidate whose input is too large for the rest of this step, or too long to start beside the
   * prefills under way, waits for another step, and nobody passes it: so that step comes. One that
   * waits for blocks that a running sequence computes lets others pass, unless it is overdue.
   *
   * @param candidates the waiting sequences, in order
   * @param freeSlots how many sequences the batch can still take
   */
  void run(Candidates<Sequence> candidates, int freeSlots) {
    int slots = freeSlots;
    int passed = 0;
    prefixes.beginPlan();
    Sequence candidate;
    while (plan.tokensLeft() > 0
        && slots > 0
        && passed < MAX_PASSED
        && (candidate = candidates.next()) != null) {
      prefixes.match(candidate, plan, null);
      if (prefixes.awaits(candidate) && candidates.letPass()) {
        passed++;
      } else if (!mayStart(candidate)) {
        return;
      } else if (tryAdmit(candidate)) {
        candidates.admitted();
        prefixes.admitted(candidate);
        slots--;
      } else {
        candidates.unfit(plan.availableBlocks());
        passed++;
      }
    }
  }

  private boolean mayStart(Sequence candidate) {
    return prefills.tokensFor(candidate) > 0
        && ContinuousBatchingScheduler.fits(candidate.leastStepTokens(), plan, mostTokens);
  }

  private boolean tryAdmit(Sequence candidate) {
    MemoryView now = SharedPrefixes.seenFor(candidate, memory, plan.availableBlocks());
    int available = now.availableBlocks();
    MemoryDecision decision = Termination.admission(planner, candidate, now);
    int needed = Termination.neededBlocks(decision, candidate, memory.blockTokens());
    if (decision instanceof MemoryDecision.Defer || needed > available) {
      plan.defer(new Decision.Defer(candidate, needed, available, decision.reason()));
      return false;
    }
    plan.admit(new Decision.Admit(candidate, needed, candidate.sharedBlocks(), decision.reason()));
    int tokens = Math.max(prefills.tokensFor(candidate), candidate.leastStepTokens());
    plan.compute(candidate, tokens);
    prefills.admitted(candidate, tokens);
    return true;
  }
}
