package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;
import dev.s3llm.support.KvBlocks;
import java.util.List;

/**
 * KV memory as the plan under construction leaves it.
 *
 * @param blockTokens token slots of a block
 * @param capacityBlocks blocks on the device
 * @param availableBlocks blocks that nobody holds or has reserved
 * @param running sequences that hold memory, in order of admission
 */
public record MemoryView(
    int blockTokens,
    int capacityBlocks,
    int availableBlocks,
    List<? extends SequenceView> running) {

  /** Blocks that hold this many tokens. */
  public int blocksFor(int tokens) {
    return KvBlocks.blocksFor(tokens, blockTokens);
  }
}
