package dev.s3llm.recover;

import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.schedule.SequenceView;
import java.util.List;
import java.util.Locale;

/**
 * The recovery policies of this library: a choice of victim, and whether swapping is allowed. By
 * default a preemption swaps or recomputes, whichever costs less.
 *
 * <p>A patient policy lets sequences wait for a block before it preempts, as long as waiting has
 * cost less than the preemption would: whoever pays rent until it has paid the price of buying
 * never pays more than twice what was needed (ski rental; Karlin et al., Algorithmica 1988). Rent
 * is the tokens that the waiting do not produce, the price what bringing the victim back costs in
 * tokens: those to recompute, or fewer where it is swapped.
 *
 * <p>Immutable and thread-safe.
 */
public final class Recovery implements RecoveryPolicy {

  /** Who gives way. */
  public enum Victim {
    /** The sequence that outgrew its reservation (S3, NeurIPS 2023, section 3.3). */
    OUTGROWN,
    /** The one admitted last (vLLM, SOSP 2023, section 4.5). */
    NEWEST,
    /**
     * The one that costs least to bring back, for the blocks that its absence frees over the time
     * that it is predicted to go on: one that ends soon frees its blocks soon anyway.
     */
    CHEAPEST
  }

  /** How far ahead freed blocks count, in steps, and how finely. */
  private static final int HORIZON = 64;

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

  /** Preempts the given victim, by swap or recompute, whichever costs less. */
  public static Recovery preempting(Victim victim) {
    return new Recovery(victim, false, false);
  }

  /** The same choice of victim, but never swaps. */
  public Recovery recomputeOnly() {
    return new Recovery(victim, true, patient);
  }

  /** The same, but sequences wait for a block while that costs less than a preemption. */
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
        : sequence.kvTokens();
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
   * Blocks that the sequence would hold, summed over steps ahead; those of the next one at least.
   */
  private static double blocksFreed(SequenceView sequence, RecoveryMemory memory) {
    LengthPrediction prediction = sequence.prediction();
    int generated = sequence.generatedTokens();
    double alive = prediction.survival(generated);
    boolean outlived = alive <= ALMOST_SURELY_OVER;
    double sum = 0;
    for (int ahead = 0; ahead < HORIZON; ahead += STRIDE) {
      double goesOn = outlived ? 1 : prediction.survival(generated + ahead) / alive;
      int held = memory.blocksFor(sequence.contextTokens() + ahead);
      sum += goesOn * Math.max(1, Math.max(held, sequence.reservedBlocks()));
    }
    return sum;
  }
}
