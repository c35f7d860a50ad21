package dev.s3llm.engine.plan;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.recover.PreemptionMode;
import dev.s3llm.recover.RecoveryPolicy.RecoveryMemory;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.support.KvBlocks;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes the plan of a step: recovery first, for sequences that have outgrown their reservations,
 * then the scheduler. It only counts; the loop moves the blocks.
 */
public final class PlanBuilder {
  private final EngineParts parts;
  private final KvBlockPool device;
  private final KvBlockPool host;
  private final TenantQueues<Sequence> waiting;
  private final List<Sequence> running;
  private final TokenTimeGuard tokenTime;
  private final int blockTokens;
  private final ContinuousBatchingScheduler scheduler;
  private int hostBlocksFree;

  /** Tokens not produced by sequences that wait for a block, since a step in which none did. */
  private long stalledTokens;

  public PlanBuilder(
      EngineParts parts,
      KvBlockPool device,
      KvBlockPool host,
      TenantQueues<Sequence> waiting,
      List<Sequence> running,
      TokenTimeGuard tokenTime) {
    this.parts = parts;
    this.device = device;
    this.host = host;
    this.waiting = waiting;
    this.running = running;
    this.tokenTime = tokenTime;
    this.blockTokens = parts.executor().profile().blockTokens();
    this.scheduler = new ContinuousBatchingScheduler(parts.planner(), waiting, running);
  }

  public void build(StepPlan plan) {
    int tokens = tokenTime.tokenBudget(running, parts.limits().maxTokensPerStep());
    plan.reset(device.available(), tokens, parts.limits().maxSequencesPerStep());
    hostBlocksFree = host.available();
    MemoryView memory = memory(plan);
    parts.planner().beginPlan(memory);
    recover(plan);
    scheduler.schedule(memory, plan);
    if (plan.isEmpty() && running.isEmpty() && !waiting.isEmpty() && device.leases() == 0) {
      forceProgress(plan);
    }
  }

  /** Takes note of a plan that is carried out. */
  public void launched(StepPlan plan) {
    int stalls = plan.stalls().size();
    stalledTokens = stalls == 0 ? 0 : stalledTokens + stalls;
  }

  private MemoryView memory(StepPlan plan) {
    return new MemoryView(blockTokens, device.capacity(), plan.availableBlocks(), running);
  }

  /** Blocks that a candidate weighs in orders by size. */
  public int admissionBlocks(Sequence candidate) {
    MemoryView memory = new MemoryView(blockTokens, device.capacity(), device.available(), running);
    return parts.planner().admissionBlocks(candidate, memory);
  }

  private void recover(StepPlan plan) {
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      int needed = KvBlocks.blocksFor(sequence.contextTokens(), blockTokens); // after its next step
      if (needed > sequence.reservedBlocks()
          && (plan.preemptions().isEmpty() || !plan.preempts(sequence))) {
        makeRoom(sequence, plan);
      }
    }
  }

  private void makeRoom(Sequence sequence, StepPlan plan) {
    while (true) {
      MemoryDecision decision = parts.planner().grow(sequence, memory(plan));
      if (decision instanceof MemoryDecision.Reserve reserve) {
        int blocks = Termination.clampReservation(reserve.reservedBlocks(), sequence, blockTokens);
        if (blocks - sequence.reservedBlocks() <= plan.availableBlocks()) {
          plan.grow(new Decision.Grow(sequence, blocks, reserve.reason()));
          return;
        }
      }
      boolean mayStall = mayStall(plan);
      if (mayStall && !plan.stalls().isEmpty()) { // this step waits: decided already
        plan.stall(sequence);
        return;
      }
      Sequence victim = victim(sequence, plan);
      if (mayStall && parts.recovery().waits(victim, stalledTokens, recoveryMemory())) {
        plan.stall(sequence);
        return;
      }
      preempt(victim, sequence, decision.reason(), plan);
      if (victim == sequence) {
        return;
      }
    }
  }

  /** Somebody must go on, or waiting would never end. */
  private boolean mayStall(StepPlan plan) {
    return plan.stalls().size() + plan.preemptions().size() + 1 < running.size();
  }

  private Sequence victim(Sequence outgrown, StepPlan plan) {
    List<Sequence> candidates = new ArrayList<>();
    for (Sequence sequence : running) {
      if (sequence == outgrown
          || (Termination.mayBePreempted(sequence) && !plan.preempts(sequence))) {
        candidates.add(sequence);
      }
    }
    SequenceView chosen = parts.recovery().victim(outgrown, candidates, recoveryMemory());
    for (Sequence candidate : candidates) {
      if (candidate == chosen) {
        return candidate;
      }
    }
    return outgrown; // the policy chose none of the candidates
  }

  private void preempt(Sequence victim, Sequence outgrown, String reason, StepPlan plan) {
    PreemptionMode mode = parts.recovery().mode(victim, recoveryMemory());
    int blocks = KvBlocks.blocksFor(victim.kvTokens(), blockTokens);
    if (mode == PreemptionMode.SWAP && blocks > hostBlocksFree) {
      mode = PreemptionMode.RECOMPUTE;
    }
    if (mode == PreemptionMode.SWAP) {
      hostBlocksFree -= blocks;
    }
    plan.preempt(new Decision.Preempt(victim, mode, outgrown, reason));
  }

  /**
   * Nothing runs and the planner admits nobody: the first in line gets what it may need at most.
   */
  private void forceProgress(StepPlan plan) {
    Sequence first = waiting.next();
    if (first == null) {
      return;
    }
    int blocks = Math.min(Termination.worstCaseBlocks(first, blockTokens), device.capacity());
    plan.admit(new Decision.Admit(first, blocks, "nothing else runs"));
    int remaining = first.contextTokens() - first.swappedTokens();
    plan.compute(first, Math.min(remaining, plan.tokensLeft()));
  }

  private RecoveryMemory recoveryMemory() {
    return new RecoveryMemory(
        blockTokens, hostBlocksFree, parts.executor().profile().recoveryCosts());
  }
}
