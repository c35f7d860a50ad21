package dev.s3llm.engine.plan;

import dev.s3llm.engine.EngineParts;
import dev.s3llm.engine.feedback.StepTimeModel;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.recover.PreemptionMode;
import dev.s3llm.recover.RecoveryPolicy.RecoveryMemory;
import dev.s3llm.schedule.SchedulingPolicy;
import dev.s3llm.support.KvBlocks;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The choice of a running sequence whose place the first waiting sequence takes, for orders that
 * preempt ({@link SchedulingPolicy#displaces}). At most one sequence is displaced in a step, and
 * only if the waiting one does not fit as things are, would fit in its place, and starts in the
 * same step.
 *
 * <p>The price of a displacement is the time to bring the sequence back, in output tokens that the
 * whole batch does not generate meanwhile: recovery costs over the estimated step time, times the
 * batch. So there is none before {@link StepTimeModel} has observed enough steps.
 *
 * <p>Bounds: a sequence is displaced at most {@link SchedulingPolicy#maxDisplacements} times, not
 * again before it has generated a token since its last admission, never if it is exempt from
 * preemption, not after its first token if it has a target for the time per output token, and not
 * if the admissions of the same plan might overtake it more often than allowed. Not thread-safe.
 */
final class Displacement {
  private final MemoryPlanner planner;
  private final EngineParts parts;
  private final SchedulingPolicy policy;
  private final TenantQueues<Sequence> waiting;
  private final List<Sequence> running;
  private final SharedPrefixes prefixes;
  private final TokenTimeGuard tokenTime;
  private final StepTimeModel stepTime;
  private final RecoveryCosts costs;

  /**
   * Creates the part of a plan builder.
   *
   * @param parts planner, policies and limits
   * @param waiting the waiting sequences; a live view
   * @param running the running sequences; a live view
   * @param prefixes what waiting sequences find on the device
   * @param tokenTime knows the targets for the time per output token
   * @param stepTime estimates step times; fitted by its other users
   */
  Displacement(
      EngineParts parts,
      TenantQueues<Sequence> waiting,
      List<Sequence> running,
      SharedPrefixes prefixes,
      TokenTimeGuard tokenTime,
      StepTimeModel stepTime) {
    this.parts = parts;
    this.planner = parts.planner();
    this.policy = parts.policy();
    this.waiting = waiting;
    this.running = running;
    this.prefixes = prefixes;
    this.tokenTime = tokenTime;
    this.stepTime = stepTime;
    this.costs = parts.executor().profile().recoveryCosts();
  }

  /**
   * A sequence that gives its place to a waiting one.
   *
   * @param displaced the running sequence
   * @param candidate the waiting sequence
   * @param memory KV memory as if the running sequence were not there
   */
  record Exchange(Sequence displaced, Sequence candidate, MemoryView memory) {}

  /**
   * Returns an exchange, or null. The planner has begun the plan with {@code memory} before the
   * call, and after it with the memory of the exchange if there is one.
   *
   * @param memory KV memory before this plan
   * @param plan the plan after recovery, without work
   * @param recovery sizes and costs
   */
  @Nullable Exchange find(MemoryView memory, StepPlan plan, RecoveryMemory recovery) {
    if (policy.maxDisplacements() == 0 || plan.shortOfMemory() || !stepTime.ready()) {
      return null;
    }
    Sequence candidate = waiting.next();
    if (candidate == null || !leavesTokens(plan)) {
      return null;
    }
    int admissions = Math.max(1, plan.sequencesLeft() - running.size() + 1);
    Sequence victim = victim(candidate, admissions, memory.blockTokens(), recovery);
    if (victim == null) {
      return null;
    }
    prefixes.match(candidate, plan, null);
    boolean joinsAnyway =
        running.size() < plan.sequencesLeft() && fits(candidate, memory, plan.availableBlocks());
    prefixes.match(candidate, plan, victim);
    MemoryView without = without(victim, memory, plan);
    planner.beginPlan(without);
    boolean exchanges = !joinsAnyway && fits(candidate, without, without.availableBlocks());
    planner.beginPlan(exchanges ? without : memory); // the trials above counted the candidate
    return exchanges ? new Exchange(victim, candidate, without) : null;
  }

  /** Returns KV memory as if a running sequence were not there. */
  private MemoryView without(Sequence victim, MemoryView memory, StepPlan plan) {
    List<Sequence> others = new ArrayList<>(running);
    others.remove(victim);
    int available = plan.availableBlocks() + plan.freedBlocks(victim);
    return new MemoryView(
        memory.blockTokens(),
        memory.capacityBlocks(),
        available,
        memory.sharedBlocks(), // fewer if only the victim and one more own them
        others);
  }

  /** Returns whether the running sequences leave tokens of the step to an admission. */
  private boolean leavesTokens(StepPlan plan) {
    long tokens = 0;
    for (int i = 0; i < running.size(); i++) {
      tokens += running.get(i).stepTokens();
    }
    return tokens < plan.tokensLeft();
  }

  /**
   * Returns the running sequence to displace, or null.
   *
   * @param admissions the most sequences that the plan admits after it, the candidate included
   */
  private @Nullable Sequence victim(
      Sequence candidate, int admissions, int blockTokens, RecoveryMemory recovery) {
    long kvTokens = 0;
    for (int i = 0; i < running.size(); i++) {
      kvTokens += running.get(i).slotsNeeded();
    }
    double tokensPerNano =
        running.size() / Math.max(1, stepTime.nanos(running.size(), 0, kvTokens));
    Sequence chosen = null;
    double most = 0;
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      double left = sequence.expectedRemainingTokens();
      if (left > most
          && mayGiveWay(sequence, admissions)
          && waiting.mayDisplace(candidate, sequence)
          && policy.displaces(
              candidate,
              sequence,
              tokensPerNano * nanosToBringBack(sequence, blockTokens, recovery))) {
        chosen = sequence;
        most = left;
      }
    }
    return chosen;
  }

  private boolean mayGiveWay(Sequence sequence, int admissions) {
    return Termination.mayBePreempted(sequence)
        && sequence.displacements() < policy.maxDisplacements()
        && tokenTime.mayPause(sequence)
        && sequence.queueAge() + admissions <= policy.maxOvertakes(sequence);
  }

  private double nanosToBringBack(Sequence sequence, int blockTokens, RecoveryMemory recovery) {
    int tokens = sequence.recomputeTokens();
    if (costs.swapNanosPerBlock() > 0
        && sequence.swappable()
        && parts.recovery().mode(sequence, recovery) == PreemptionMode.SWAP) {
      return costs.swapNanos(KvBlocks.blocksFor(sequence.kvTokens(), blockTokens));
    }
    double learned = stepTime.nanos(0, tokens, 0) - stepTime.nanos(0, 0, 0);
    return Math.max(learned, costs.recomputeNanos(tokens));
  }

  private boolean fits(Sequence candidate, MemoryView memory, int availableBlocks) {
    MemoryView view = SharedPrefixes.seenFor(candidate, memory, availableBlocks);
    MemoryDecision decision = Termination.admission(planner, candidate, view);
    return decision instanceof MemoryDecision.Reserve
        && Termination.neededBlocks(decision, candidate, view.blockTokens())
            <= view.availableBlocks();
  }
}
