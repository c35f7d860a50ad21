package dev.s3llm.recover;

import dev.s3llm.execute.RecoveryCosts;
import dev.s3llm.schedule.SequenceView;
import dev.s3llm.support.KvBlocks;
import java.util.List;

/**
 * Decides what gives way when a sequence has outgrown its reservation and no memory is left to grow
 * in place. The engine calls it from one thread.
 */
public interface RecoveryPolicy {

  /** A short name for logs and tables. */
  String name();

  /**
   * Chooses whom to preempt.
   *
   * @param outgrown the sequence that needs room
   * @param candidates who may be preempted, in order of admission; never empty, and holds {@code
   *     outgrown}
   * @param memory costs and sizes
   * @return one of the candidates
   */
  SequenceView victim(
      SequenceView outgrown, List<? extends SequenceView> candidates, RecoveryMemory memory);

  /**
   * Whether the sequence that needs room should rather sit the next step out, with its blocks, and
   * wait for another to end. Asked only while somebody else goes on; false by default.
   *
   * @param victim who would be preempted otherwise
   * @param stalledTokens tokens not produced by sequences that waited, without a break, up to now
   * @param memory costs and sizes
   */
  default boolean waits(SequenceView victim, long stalledTokens, RecoveryMemory memory) {
    return false;
  }

  /** Chooses how to preempt the victim. Swap is taken only if the host has room. */
  PreemptionMode mode(SequenceView victim, RecoveryMemory memory);

  /**
   * What recovery needs to know of memory.
   *
   * @param blockTokens token slots of a block
   * @param hostBlocksFree blocks free in host memory
   * @param costs of swapping and recomputing
   */
  record RecoveryMemory(int blockTokens, int hostBlocksFree, RecoveryCosts costs) {

    /** Blocks that hold this many tokens. */
    public int blocksFor(int tokens) {
      return KvBlocks.blocksFor(tokens, blockTokens);
    }

    /** Time to swap a sequence out and in again. */
    double swapNanos(SequenceView sequence) {
      return costs.swapNanos(blocksFor(sequence.kvTokens()));
    }

    /** Time to compute a sequence's KV again. */
    double recomputeNanos(SequenceView sequence) {
      return costs.recomputeNanos(sequence.kvTokens());
    }

    /** What it costs to swap a sequence out and in again, in tokens to prefill. */
    double swapTokens(SequenceView sequence) {
      return costs.swapTokens(sequence.kvTokens(), blocksFor(sequence.kvTokens()));
    }

    /** Whether the host has room for a sequence's KV. */
    boolean canSwap(SequenceView sequence) {
      return blocksFor(sequence.kvTokens()) <= hostBlocksFree;
    }
  }
}
