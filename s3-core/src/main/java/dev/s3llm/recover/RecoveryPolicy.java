package dev.s3llm.recover;

import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.support.KvBlocks;
import java.util.List;

/**
 * Decides which sequence gives way when a sequence has outgrown its reservation and too little
 * memory is left to enlarge it in place.
 *
 * <p>The engine calls a policy from one thread. Equal arguments must give equal results.
 */
public interface RecoveryPolicy {

  /** Returns a short name for logs and tables. */
  String name();

  /**
   * Chooses the sequence to preempt. If the result is none of the candidates, the engine preempts
   * {@code outgrown}.
   *
   * @param outgrown the sequence that needs more blocks
   * @param candidates the sequences that may be preempted, in order of admission; never empty, and
   *     contains {@code outgrown}
   * @param memory costs and sizes
   * @return one of the candidates
   */
  SequenceView victim(
      SequenceView outgrown, List<? extends SequenceView> candidates, RecoveryMemory memory);

  /**
   * Returns whether the sequence that needs more blocks skips the next step, and keeps its blocks,
   * until another sequence ends. Called only while at least one other sequence goes on. By default
   * false: a sequence is preempted at once.
   *
   * @param victim the sequence that would be preempted otherwise
   * @param stalledTokens tokens that waiting sequences have not produced since the latest step in
   *     which no sequence waited, 0 or more
   * @param memory costs and sizes
   */
  default boolean waits(SequenceView victim, long stalledTokens, RecoveryMemory memory) {
    return false;
  }

  /**
   * Chooses how to preempt a sequence. The engine recomputes instead of swapping if host memory has
   * no room for the sequence's KV, or if the sequence has none. It does not ask about a sequence
   * that is not {@link SequenceView#swappable}.
   *
   * @param victim the sequence to preempt
   * @param memory costs and sizes
   */
  PreemptionMode mode(SequenceView victim, RecoveryMemory memory);

  /**
   * The sizes and costs that recovery depends on. Immutable.
   *
   * @param blockTokens token slots of a block, at least 1
   * @param hostBlocksFree free blocks of swap space in host memory, 0 or more
   * @param costs costs of swapping and recomputing
   */
  record RecoveryMemory(int blockTokens, int hostBlocksFree, RecoveryCosts costs) {

    /**
     * Returns the number of blocks that hold a number of tokens, rounded up.
     *
     * @param tokens number of tokens, 0 or more
     */
    public int blocksFor(int tokens) {
      return KvBlocks.blocksFor(tokens, blockTokens);
    }

    /** Returns the nanoseconds to swap a sequence out and in again. */
    double swapNanos(SequenceView sequence) {
      return costs.swapNanos(blocksFor(sequence.kvTokens()));
    }

    /**
     * Returns the nanoseconds to compute a sequence's KV, and the passes over its canvas, again.
     */
    double recomputeNanos(SequenceView sequence) {
      return costs.recomputeNanos(sequence.recomputeTokens());
    }

    /** Returns the cost to swap a sequence out and in again, in tokens to prefill. */
    double swapTokens(SequenceView sequence) {
      return costs.swapTokens(sequence.kvTokens(), blocksFor(sequence.kvTokens()));
    }

    /** Returns whether a sequence can be swapped and host memory has room for its KV. */
    boolean canSwap(SequenceView sequence) {
      return sequence.swappable() && blocksFor(sequence.kvTokens()) <= hostBlocksFree;
    }
  }
}
