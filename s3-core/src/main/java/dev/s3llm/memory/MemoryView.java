package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;
import dev.s3llm.support.KvBlocks;
import java.util.List;

/**
 * The state of KV memory while a plan is made. Valid during the call that it is passed to.
 *
 * @param blockTokens token slots of a block, at least 1
 * @param capacityBlocks number of blocks on the device, at least 1
 * @param availableBlocks blocks that are neither held nor reserved, with the growths, preemptions
 *     and admissions of this plan counted; in a call about a waiting sequence, also those that
 *     others own and that it will share, so that a reservation of all of its blocks can be compared
 *     with it; 0 or more
 * @param sharedBlocks blocks that more than one running sequence owns, each counted once
 * @param running the running sequences, in order of admission, before this plan: the sequences that
 *     it preempts are included, and those that it admits are not
 */
public record MemoryView(
    int blockTokens,
    int capacityBlocks,
    int availableBlocks,
    int sharedBlocks,
    List<? extends SequenceView> running) {

  /**
   * Creates the state of a memory without shared blocks.
   *
   * @param blockTokens token slots of a block, at least 1
   * @param capacityBlocks number of blocks on the device, at least 1
   * @param availableBlocks blocks that are neither held nor reserved; 0 or more
   * @param running the running sequences, in order of admission
   */
  public MemoryView(
      int blockTokens,
      int capacityBlocks,
      int availableBlocks,
      List<? extends SequenceView> running) {
    this(blockTokens, capacityBlocks, availableBlocks, 0, running);
  }

  /**
   * Returns the same state with other available blocks.
   *
   * @param blocks number of available blocks, 0 or more
   */
  public MemoryView withAvailable(int blocks) {
    return new MemoryView(blockTokens, capacityBlocks, blocks, sharedBlocks, running);
  }

  /** Returns whether no sequence holds or reserves a block. */
  boolean empty() {
    return running.isEmpty() && availableBlocks == capacityBlocks;
  }

  /**
   * Returns the number of blocks that hold a number of tokens, rounded up.
   *
   * @param tokens number of tokens, 0 or more
   */
  public int blocksFor(int tokens) {
    return KvBlocks.blocksFor(tokens, blockTokens);
  }
}
