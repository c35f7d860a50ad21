package dev.s3llm.recover;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SequenceView;
import java.util.List;
import java.util.Locale;

/**
 * The recovery policies of this library. A policy combines a choice of the victim, whether swapping
 * is allowed, and whether sequences wait before one is preempted. Unless it only recomputes, a
 * preemption swaps if that costs less and host memory has room, and recomputes otherwise.
 *
 * <p>A patient policy lets sequences wait for a block as long as the wait has cost less than the
 * preemption would. This is the ski-rental rule (Karlin et al., Algorithmica 1988): the total cost
 * is at most twice that of the best decision in hindsight. The cost of waiting is the number of
 * tokens that the waiting sequences do not produce. The cost of a preemption is the number of
 * tokens to recompute, or the equivalent of a swap in tokens ({@link
 * dev.s3llm.execute.RecoveryCosts#swapTokens}).
 *
 * <p>Immutable and thread-safe.
 */
public final class Recovery implements RecoveryPolicy {

  /** The choice of the sequence to preempt. */
  public enum Victim {
    /** The sequence that outgrew its reservation (S3, NeurIPS 2023, section 3.3). */
    OUTGROWN,
    /** The candidate admitted last (vLLM, SOSP 2023, section 4.5). */
    NEWEST,
    /**
     * The candidate with the lowest cost of bringing it back, divided by the blocks that its
     * absence frees. Freed blocks are summed over the steps that the candidate is predicted to go
     * on, up to a horizon: a sequence that ends soon frees its blocks soon anyway.
     */
    CHEAPEST
  }

  /** Number of steps ahead over which freed blocks are summed. */
  private static final int HORIZON = 64;

  /** Distance between two steps at which freed blocks are counted. */
  private static final int STRIDE = 8;

  private static final double ALMOST_SURELY_OVER = 1e-6;

  private final Victim victim;
  private final boolean recomputeOnly;
  private final boolean patient;

  private Recovery(Victim victim, boolean recomputeOnly, boolean patient) {
    this.victim = victim;
    this.recomputeOnly = recomputeOnly;
    this.patient = patient;
  }

  /**
   * Returns a policy that preempts the given victim, by swap or recompute, whichever costs less.
   *
   * @param victim the choice of the sequence to preempt
   */
  public static Recovery preempting(Victim victim) {
    return new Recovery(victim, false, false);
  }

  /** Returns the same policy without swaps: it always recomputes. */
  public Recovery recomputeOnly() {
    return new Recovery(victim, true, patient);
  }

  /** Returns the same policy, but sequences wait while that costs less than a preemption. */
  public Recovery patient() {
    return new Recovery(victim, recomputeOnly, true);
  }

  @Override
  public String name() {
    return victim.name().toLowerCase(Locale.ROOT)
        + (recomputeOnly ? ", recompute" : "")
        + (patient ? ", patient" : "");
  }

  @Override
  public SequenceView victim(
      SequenceView outgrown, List<? extends SequenceView> candidates, RecoveryMemory memory) {
    return switch (victim) {
      case OUTGROWN -> outgrown;
      case NEWEST -> candidates.get(candidates.size() - 1);
      case CHEAPEST -> cheapest(candidates, memory);
    };
  }

  @Override
  public boolean waits(SequenceView chosen, long stalledTokens, RecoveryMemory memory) {
    return patient && stalledTokens < price(chosen, memory);
  }

  private double price(SequenceView sequence, RecoveryMemory memory) {
    return mode(sequence, memory) == PreemptionMode.SWAP
        ? memory.swapTokens(sequence)
        : sequence.recomputeTokens();
  }

  @Override
  public PreemptionMode mode(SequenceView sequence, RecoveryMemory memory) {
    boolean swap =
        !recomputeOnly
            && memory.canSwap(sequence)
            && memory.swapNanos(sequence) < memory.recomputeNanos(sequence);
    return swap ? PreemptionMode.SWAP : PreemptionMode.RECOMPUTE;
  }

  private SequenceView cheapest(List<? extends SequenceView> candidates, RecoveryMemory memory) {
    SequenceView best = candidates.get(candidates.size() - 1);
    double bestCost = costOfFreeing(best, memory);
    for (int i = candidates.size() - 2; i >= 0; i--) {
      double cost = costOfFreeing(candidates.get(i), memory);
      if (cost < bestCost) {
        best = candidates.get(i);
        bestCost = cost;
      }
    }
    return best;
  }

  private double costOfFreeing(SequenceView sequence, RecoveryMemory memory) {
    double cost =
        mode(sequence, memory) == PreemptionMode.SWAP
            ? memory.swapNanos(sequence)
            : memory.recomputeNanos(sequence);
    return cost / blocksFreed(sequence, memory);
  }

  /**
   * Returns the expected number of blocks that the sequence would hold, summed over steps ahead. It
   * is at least 1, since the next step always counts.
   */
  private static double blocksFreed(SequenceView sequence, RecoveryMemory memory) {
    if (sequence.canvas()) {
      double held = Math.max(memory.blocksFor(sequence.slotsNeeded()), sequence.reservedBlocks());
      return held * Math.ceil(Math.min(HORIZON, sequence.stepsLeft()) / STRIDE);
    }
    LengthPrediction prediction = sequence.prediction();
    int generated = sequence.generatedTokens();
    double alive = prediction.survival(generated);
    boolean outlived = alive <= ALMOST_SURELY_OVER;
    double sum = 0;
    for (int ahead = 0; ahead < HORIZON; ahead += STRIDE) {
      double goesOn = outlived ? 1 : prediction.survival(generated + ahead) / alive;
      int held = memory.blocksFor(sequence.contextTokens() + ahead);
      int own = Math.max(held, sequence.reservedBlocks()) - sequence.sharedBlocks();
      sum += goesOn * Math.max(1, own);
    }
    return sum;
  }
}
