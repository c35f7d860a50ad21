package dev.s3llm.schedule;

import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.memory.SequenceView;
import java.util.HashSet;
import java.util.Set;

/**
 * The part of one plan that admits: overdue sequences first and alone, then in the queue's order.
 */
final class AdmissionPass {
  /** Waiters that may be found not to fit in one step, where the order skips them. */
  private static final int MAX_UNFIT = 64;

  private final MemoryView memory;
  private final WaitingQueue waiting;
  private final MemoryPlanner planner;
  private final StepPlan plan;
  private final Set<SequenceView> admitted = new HashSet<>();
  private int slots;

  /** Admissions after which somebody becomes overdue, whom the next plan must consider first. */
  private long most;

  AdmissionPass(MemoryView memory, WaitingQueue waiting, MemoryPlanner planner, StepPlan plan) {
    this.memory = memory;
    this.waiting = waiting;
    this.planner = planner;
    this.plan = plan;
  }

  void run(int freeSlots) {
    slots = freeSlots;
    most = waiting.admissionsUntilOverdue();
    if (admitOverdue()) {
      admitInOrder();
    }
  }

  /** Admits overdue sequences; false if one does not fit, so that all must wait for it. */
  private boolean admitOverdue() {
    for (SequenceView sequence : waiting.overdue()) {
      if (!hasRoom() || !tryAdmit(sequence)) {
        return false;
      }
    }
    return true;
  }

  /** Admits in the queue's order. */
  private void admitInOrder() {
    SequenceView candidate = waiting.first();
    int unfit = 0;
    while (candidate != null && hasRoom() && unfit < MAX_UNFIT) {
      SequenceView next = waiting.after(candidate);
      if (!admitted.contains(candidate) && !tryAdmit(candidate)) {
        if (!waiting.order().skipsUnfit()) {
          return;
        }
        unfit++;
        next = waiting.afterUnfit(candidate, plan.availableBlocks());
      }
      candidate = next;
    }
  }

  private boolean hasRoom() {
    return plan.tokensLeft() > 0 && slots > 0 && admitted.size() < most;
  }

  private boolean tryAdmit(SequenceView candidate) {
    MemoryView now =
        new MemoryView(
            memory.blockTokens(),
            memory.capacityBlocks(),
            plan.availableBlocks(),
            memory.running());
    int worstCase = memory.blocksFor(candidate.worstCaseTokens());
    MemoryDecision decision =
        candidate.entitled()
            ? new MemoryDecision.Reserve(worstCase, "preempted as often as is allowed")
            : planner.admit(candidate, now);
    int needed =
        decision instanceof MemoryDecision.Reserve reserve
            ? sane(reserve.reservedBlocks(), candidate, worstCase)
            : ((MemoryDecision.Defer) decision).neededBlocks();
    if (decision instanceof MemoryDecision.Defer || needed > plan.availableBlocks()) {
      plan.defer(new Decision.Defer(candidate, needed, plan.availableBlocks(), decision.reason()));
      return false;
    }
    plan.admit(new Decision.Admit(candidate, needed, decision.reason()));
    int remaining = candidate.contextTokens() - candidate.swappedTokens();
    plan.compute(candidate, Math.min(remaining, plan.tokensLeft()));
    admitted.add(candidate);
    slots--;
    return true;
  }

  /** At least what the present tokens need, at most the worst case. */
  private int sane(int blocks, SequenceView candidate, int worstCase) {
    return Math.min(worstCase, Math.max(blocks, memory.blocksFor(candidate.contextTokens())));
  }
}
