package dev.s3llm.engine.loop;

import dev.s3llm.engine.plan.Decision;
import dev.s3llm.engine.plan.StepPlan;
import dev.s3llm.engine.plan.Termination;
import dev.s3llm.engine.record.PreemptionRecording;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.execute.ExecutorProfile;
import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.recover.PreemptionMode;
import java.util.ArrayList;
import java.util.List;

/**
 * Carries out a plan: preempts, grows and admits sequences, moves their blocks, and makes the batch
 * for the executor.
 */
final class StepLauncher {
  private final EngineState state;
  private final FeatureReader features;
  private final ExecutorProfile profile;

  StepLauncher(EngineState state, FeatureReader features) {
    this.state = state;
    this.features = features;
    this.profile = state.profile;
  }

  /**
   * Carries a plan out. The step is in flight when the method returns.
   *
   * @param plan what the step does
   * @param now the engine's time, in nanoseconds
   * @return the batch for the executor
   */
  StepBatch launch(StepPlan plan, long now) {
    state.feedback.report();
    state.planBuilder.recordDelays(plan);
    StepInFlight step = new StepInFlight(state.counters.steps++, now, plan.work().size());
    plan.preemptions().forEach(p -> preempt(p, step, now));
    plan.admissions().forEach(a -> adopt(a.sequence(), now)); // before others take kept blocks
    plan.growths().forEach(g -> grow(g, now));
    plan.admissions().forEach(a -> admit(a, step, now));
    for (int i = 0; i < plan.work().size(); i++) {
      Sequence sequence = plan.work().get(i);
      sequence.startStep(plan.workTokens(i));
      features.request(sequence);
      sequence.device().allocateTo(profile.blocksFor(sequence.stepEnd()));
      state.prefixes.computes(sequence);
      step.compute(sequence, plan.workTokens(i));
    }
    state.prefixes.launch().forEach(step::swapOut);
    state.inFlight = step;
    return step.batch(state.waiting.size());
  }

  private void preempt(Decision.Preempt decision, StepInFlight step, long now) {
    Sequence victim = decision.sequence();
    int kvTokens = victim.recomputeTokens();
    boolean swap = decision.mode() == PreemptionMode.SWAP && kvTokens > 0;
    count(decision, kvTokens, swap);
    int blocks = profile.blocksFor(victim.kvTokens());
    if (!decision.displaced()) { // the planner's margin is for wrong predictions alone
      double costTokens = swap ? profile.recoveryCosts().swapTokens(kvTokens, blocks) : kvTokens;
      step.work().loses(kvTokens, costTokens);
    }
    if (swap) {
      step.swapOut(victim, copyOut(victim, blocks));
    } else if (kvTokens > 0) {
      state.released(victim);
    }
    if (decision.displaced()) {
      victim.displaced(swap);
    } else {
      victim.preempted(victim.reservedBlocks() * profile.blockTokens(), swap);
    }
    state.prefixes.release(victim, victim.knownKvTokens(), false, now);
    victim.device().close(); // safe now: within a step, copies to the host come before writes
    victim.dropDevice();
    state.running.remove(victim);
    state.enterQueue(victim);
    reportPreemption(
        decision, swap ? PreemptionMode.SWAP : PreemptionMode.RECOMPUTE, kvTokens, now);
  }

  private void reportPreemption(
      Decision.Preempt decision, PreemptionMode mode, int kvTokens, long now) {
    Sequence victim = decision.sequence();
    String causedBy = decision.cause().requestId();
    RecoveryCosts costs = profile.recoveryCosts();
    double cost =
        mode == PreemptionMode.SWAP
            ? costs.swapNanos(profile.blocksFor(kvTokens))
            : costs.recomputeNanos(kvTokens);
    victim.history().preempted(now, mode, kvTokens, causedBy, cost, decision.reason());
    PreemptionRecording.commit(victim, causedBy, mode, kvTokens, cost);
    state.publish(
        () ->
            new EngineEvent.Preempted(
                now, victim.requestId(), mode, kvTokens, causedBy, decision.reason()));
  }

  private void count(Decision.Preempt decision, int kvTokens, boolean swap) {
    Counters counters = state.counters;
    boolean own = decision.cause() == decision.sequence();
    if (decision.displaced()) {
      counters.preemptedDisplaced++;
    } else if (own) {
      counters.preemptedOutgrown++;
    } else {
      counters.preemptedReclaimed++;
    }
    counters.outgrown += own ? 1 : 0;
    counters.swappedTokens += swap ? kvTokens : 0;
    counters.recomputedTokens += swap ? 0 : kvTokens;
  }

  private List<StepBatch.BlockCopy> copyOut(Sequence victim, int blocks) {
    List<StepBatch.BlockCopy> copies = new ArrayList<>(blocks);
    KvBlockPool.Lease lease = state.host.open(victim.sequenceId());
    lease.reserve(blocks);
    lease.allocateTo(blocks);
    for (int i = 0; i < blocks; i++) {
      copies.add(
          new StepBatch.BlockCopy(victim.sequenceId(), victim.device().block(i), lease.block(i)));
    }
    victim.holdHost(lease);
    return copies;
  }

  private void grow(Decision.Grow decision, long now) {
    Sequence sequence = decision.sequence();
    sequence.device().reserve(decision.reservedBlocks());
    if (sequence.slotsFixed()) {
      sequence.device().allocateTo(decision.reservedBlocks());
    }
    sequence.history().reserved(decision.reservedBlocks() * profile.blockTokens());
    state.counters.outgrown++;
    state.publish(
        () ->
            new EngineEvent.Grown(
                now, sequence.requestId(), decision.reservedBlocks(), decision.reason()));
  }

  private void adopt(Sequence sequence, long now) {
    sequence.setQueueAge(state.waiting.removeAdmitted(sequence));
    KvBlockPool.Lease lease = state.device.open(sequence.sequenceId());
    sequence.holdDevice(lease);
    state.prefixes.adopt(sequence, lease, now);
  }

  private void admit(Decision.Admit decision, StepInFlight step, long now) {
    Sequence sequence = decision.sequence();
    KvBlockPool.Lease lease = sequence.device();
    lease.reserve(decision.reservedBlocks());
    if (sequence.slotsFixed()) {
      lease.allocateTo(decision.reservedBlocks());
    }
    int restored = sequence.swappedTokens();
    copyIn(sequence, lease, step);
    state.prefixes.restore(sequence, lease, step::swapIn);
    int reservedTokens = decision.reservedBlocks() * profile.blockTokens();
    if (!sequence.startedBefore()) {
      state.counters.firstAdmission(sequence, now);
      sequence.limitPreemptions(Termination.mostPreemptions(sequence, reservedTokens));
    }
    sequence.admitted(now, reservedTokens);
    state.running.add(sequence);
    state.publish(
        () ->
            new EngineEvent.Admitted(
                now, sequence.requestId(), decision.reservedBlocks(), restored, decision.reason()));
  }

  private void copyIn(Sequence sequence, KvBlockPool.Lease lease, StepInFlight step) {
    KvBlockPool.Lease stored = sequence.host();
    if (stored == null) {
      return;
    }
    int blocks = profile.blocksFor(sequence.swappedTokens());
    lease.allocateTo(blocks);
    for (int i = sequence.adoptedBlocks(); i < blocks; i++) {
      step.swapIn(new StepBatch.BlockCopy(sequence.sequenceId(), lease.block(i), stored.block(i)));
    }
    step.fence(stored);
    sequence.takeHost();
  }
}
