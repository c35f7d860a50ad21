package dev.s3llm.engine.plan;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.feedback.StepTimeModel;
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
 * Builds the plan of a step: first the recovery of sequences that have outgrown their reservations,
 * then at most one displacement ({@link Displacement}), then the scheduling. A plan only counts
 * blocks; {@code StepLauncher} moves them. Not thread-safe.
 */
public final class PlanBuilder {
  private static final String GIVES_WAY = "a request with less left takes its place";

  private final EngineParts parts;
  private final KvBlockPool device;
  private final KvBlockPool host;
  private final TenantQueues<Sequence> waiting;
  private final List<Sequence> running;
  private final SharedPrefixes prefixes;
  private final TokenTimeGuard tokenTime;
  private final int blockTokens;
  private final ContinuousBatchingScheduler scheduler;
  private final Displacement displacement;
  private int hostBlocksFree;

  /** Tokens that stalled sequences have not produced, since the latest step without a stall. */
  private long stalledTokens;

  /**
   * Creates the builder.
   *
   * @param parts planner, recovery policy and limits
   * @param device the KV blocks on the device
   * @param host the swap space
   * @param waiting the waiting sequences; a live view
   * @param running the running sequences; a live view
   * @param prefixes what waiting sequences find on the device
   * @param tokenTime limits the token budget where a target must be kept
   * @param stepTime estimates step times; fitted by its other users
   */
  public PlanBuilder(
      EngineParts parts,
      KvBlockPool device,
      KvBlockPool host,
      TenantQueues<Sequence> waiting,
      List<Sequence> running,
      SharedPrefixes prefixes,
      TokenTimeGuard tokenTime,
      StepTimeModel stepTime) {
    this.parts = parts;
    this.device = device;
    this.host = host;
    this.waiting = waiting;
    this.running = running;
    this.prefixes = prefixes;
    this.tokenTime = tokenTime;
    this.blockTokens = parts.executor().profile().blockTokens();
    int mostTokens = parts.executor().profile().maxTokensPerStep();
    this.scheduler =
        new ContinuousBatchingScheduler(parts.planner(), waiting, running, prefixes, mostTokens);
    this.displacement = new Displacement(parts, waiting, running, prefixes, tokenTime, stepTime);
  }

  /** Empties a plan and fills it for the next step. */
  public void build(StepPlan plan) {
    int tokens = tokenTime.tokenBudget(running, parts.limits().maxTokensPerStep());
    plan.reset(device.available(), tokens, parts.limits().maxSequencesPerStep());
    hostBlocksFree = host.available();
    MemoryView memory = memory(plan);
    parts.planner().beginPlan(memory);
    recover(plan);
    scheduler.schedule(displace(memory, plan), plan);
    if (plan.isEmpty() && running.isEmpty() && !waiting.isEmpty() && device.leases() == 0) {
      forceProgress(plan);
    }
  }

  /** Counts the stalls of a plan that is carried out, and which sequences its budget left out. */
  public void recordDelays(StepPlan plan) {
    if (plan.stalls().isEmpty()) {
      stalledTokens = 0;
    } else {
      plan.stalls().forEach(stalled -> stalledTokens += (long) stalled.tokensPerStep());
    }
    scheduler.recordLeftOut(plan);
  }

  private MemoryView memory(StepPlan plan) {
    return new MemoryView(
        blockTokens, device.capacity(), plan.availableBlocks(), device.shared(), running);
  }

  /**
   * Returns the blocks that the planner would reserve for a sequence, for policies that order by
   * size.
   */
  public int admissionBlocks(Sequence candidate) {
    MemoryView memory =
        new MemoryView(
            blockTokens, device.capacity(), device.available(), device.shared(), running);
    return parts.planner().admissionBlocks(candidate, memory);
  }

  private void recover(StepPlan plan) {
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      int needed = KvBlocks.blocksFor(sequence.slotsNeeded(), blockTokens); // after its next step
      if (needed > sequence.reservedBlocks()
          && !sequence.awaitsMask() // it does not run, so it needs none
          && (plan.preemptions().isEmpty() || !plan.preempts(sequence))) {
        makeRoom(sequence, plan);
      }
    }
  }

  private void makeRoom(Sequence sequence, StepPlan plan) {
    while (true) {
      MemoryDecision decision = parts.planner().grow(sequence, memory(plan));
      if (decision instanceof MemoryDecision.Reserve reserve) {
        int blocks = Termination.grownReservation(reserve.reservedBlocks(), sequence, blockTokens);
        if (blocks - sequence.reservedBlocks() <= plan.availableBlocks()) {
          plan.grow(new Decision.Grow(sequence, blocks, reserve.reason()));
          return;
        }
      }
      boolean mayStall = mayStall(plan);
      if (mayStall
          && !plan.stalls().isEmpty()) { // the policy has already decided that this step waits
        plan.stall(sequence);
        return;
      }
      Sequence victim = victim(sequence, plan);
      if (mayStall && parts.recovery().waits(victim, stalledTokens, recoveryMemory())) {
        plan.stall(sequence);
        return;
      }
      preempt(victim, sequence, decision.reason(), false, plan);
      if (victim == sequence) {
        return;
      }
    }
  }

  /** Returns whether a further sequence may stall: at least one must run, or no block gets free. */
  private boolean mayStall(StepPlan plan) {
    return plan.stalls().size() + plan.preemptions().size() + withoutMask() + 1 < running.size();
  }

  private int withoutMask() {
    int count = 0;
    for (int i = 0; i < running.size(); i++) {
      count += running.get(i).awaitsMask() ? 1 : 0;
    }
    return count;
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

  /**
   * Preempts a sequence whose place the first waiting one takes, if the order wants that. Returns
   * KV memory as the admissions find it, with which the planner has begun the plan.
   */
  private MemoryView displace(MemoryView memory, StepPlan plan) {
    Displacement.Exchange exchange = displacement.find(memory, plan, recoveryMemory());
    if (exchange == null) {
      return memory;
    }
    preempt(exchange.displaced(), exchange.candidate(), GIVES_WAY, true, plan);
    return exchange.memory();
  }

  private void preempt(
      Sequence victim, Sequence cause, String reason, boolean displaced, StepPlan plan) {
    PreemptionMode mode =
        victim.swappable()
            ? parts.recovery().mode(victim, recoveryMemory())
            : PreemptionMode.RECOMPUTE;
    int blocks = KvBlocks.blocksFor(victim.kvTokens(), blockTokens);
    if (mode == PreemptionMode.SWAP && blocks > hostBlocksFree) {
      mode = PreemptionMode.RECOMPUTE;
    }
    if (mode == PreemptionMode.SWAP) {
      hostBlocksFree -= blocks;
    }
    plan.preempt(new Decision.Preempt(victim, mode, cause, displaced, reason));
  }

  /**
   * Admits the first waiting sequence with its worst case, because nothing runs and the planner has
   * admitted none.
   */
  private void forceProgress(StepPlan plan) {
    Sequence first = waiting.next();
    if (first == null) {
      return;
    }
    int blocks = Math.min(Termination.worstCaseBlocks(first, blockTokens), device.capacity());
    prefixes.match(first, plan, null);
    plan.admit(new Decision.Admit(first, blocks, first.sharedBlocks(), "nothing else runs"));
    int tokens = Math.min(first.stepTokens(), plan.tokensLeft());
    plan.compute(first, Math.max(tokens, first.leastStepTokens()));
  }

  private RecoveryMemory recoveryMemory() {
    return new RecoveryMemory(
        blockTokens, hostBlocksFree, parts.executor().profile().recoveryCosts());
  }
}
