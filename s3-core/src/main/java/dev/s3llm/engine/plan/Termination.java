package dev.s3llm.engine.plan;

import com.google.common.math.IntMath;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.memory.MemoryDecision;
import dev.s3llm.memory.MemoryPlanner;
import dev.s3llm.memory.MemoryView;
import dev.s3llm.support.KvBlocks;
import java.math.RoundingMode;

/**
 * The rules that make every request end, whatever planners, policies and predictors return.
 *
 * <ul>
 *   <li>A reservation covers at least the tokens that a sequence has, and at most its worst case
 *       ({@link #clampReservation}): so an admitted sequence can compute its next token, and no
 *       planner can reserve more than the pool has.
 *   <li>A sequence is preempted at most {@link #mostPreemptions} times: ceil(log2(limit / first)) +
 *       1, as many as it takes a planner that doubles the reserved output at each preemption. Then
 *       it is exempt: it is admitted with its worst case and never preempted again.
 *   <li>If KV does not grow step by step, an outgrown reservation grows to twice the output at
 *       least ({@link #grownReservation}), and a preempted sequence comes back with as much ({@link
 *       Sequence#slotsNeeded}). So a canvas outgrows its reservation a few times at most.
 *   <li>A sequence that samples in more than {@link #mostSilentSteps} steps without a token fails.
 *   <li>A sequence is not preempted again before it has produced a token since its last admission
 *       ({@link #mayBePreempted}): so it progresses between two preemptions.
 * </ul>
 */
public final class Termination {
  private Termination() {}

  /**
   * Returns a reservation that the engine can grant.
   *
   * @param blocks blocks that a planner wants to reserve; any number
   * @param sequence the sequence
   * @param blockTokens token slots of a block
   */
  static int clampReservation(int blocks, Sequence sequence, int blockTokens) {
    int least = KvBlocks.blocksFor(sequence.slotsNeeded(), blockTokens);
    return Math.min(worstCaseBlocks(sequence, blockTokens), Math.max(blocks, least));
  }

  /**
   * Returns the reservation of a running sequence that has outgrown the one that it has.
   *
   * @param blocks blocks that a planner wants to reserve; any number
   * @param sequence the sequence
   * @param blockTokens token slots of a block
   */
  static int grownReservation(int blocks, Sequence sequence, int blockTokens) {
    int wanted = blocks;
    if (sequence.slotsFixed()) {
      long covered = (long) sequence.reservedBlocks() * blockTokens - sequence.promptTokens();
      long output = Math.min(sequence.maxNewTokens(), 2 * Math.max(1, covered));
      wanted =
          Math.max(blocks, KvBlocks.blocksFor(sequence.promptTokens() + (int) output, blockTokens));
    }
    return clampReservation(wanted, sequence, blockTokens);
  }

  /**
   * Returns the number of steps in which a sequence may sample without committing a token, since
   * its latest admission: many more than the passes over any canvas that it may have.
   */
  public static int mostSilentSteps(Sequence sequence) {
    return (int) Math.min(Integer.MAX_VALUE, 64 + 4L * sequence.maxNewTokens());
  }

  /**
   * Returns the decision about an admission: the planner's, or the worst case of a sequence that is
   * exempt from preemption.
   */
  static MemoryDecision admission(MemoryPlanner planner, Sequence candidate, MemoryView view) {
    return candidate.preemptionExempt()
        ? new MemoryDecision.Reserve(
            worstCaseBlocks(candidate, view.blockTokens()), "preempted as often as is allowed")
        : planner.admit(candidate, view);
  }

  /** Returns the blocks that a decision about an admission needs, as the engine can grant them. */
  static int neededBlocks(MemoryDecision decision, Sequence candidate, int blockTokens) {
    return decision instanceof MemoryDecision.Reserve reserve
        ? clampReservation(reserve.reservedBlocks(), candidate, blockTokens)
        : ((MemoryDecision.Defer) decision).neededBlocks();
  }

  /** Returns the blocks that hold a sequence's prompt and output limit. */
  static int worstCaseBlocks(Sequence sequence, int blockTokens) {
    return KvBlocks.blocksFor(sequence.worstCaseTokens(), blockTokens);
  }

  /** Returns whether a running sequence may be preempted now. */
  static boolean mayBePreempted(Sequence sequence) {
    return !sequence.preemptionExempt() && (sequence.preemptions() == 0 || sequence.progressed());
  }

  /**
   * Returns how often a sequence may be preempted over its life.
   *
   * @param sequence a sequence that is admitted for the first time
   * @param reservedTokens KV slots of its first reservation, at least 1
   */
  public static int mostPreemptions(Sequence sequence, int reservedTokens) {
    int firstOutput = Math.max(1, reservedTokens - sequence.promptTokens());
    int ratio = IntMath.divide(sequence.maxNewTokens(), firstOutput, RoundingMode.CEILING);
    return IntMath.log2(ratio, RoundingMode.CEILING) + 1;
  }
}
