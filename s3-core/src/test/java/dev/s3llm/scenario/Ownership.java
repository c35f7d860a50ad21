package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/** No block is in two block tables, and no two copies use the same block (3). */
final class Ownership extends Checker {
  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    Map<Integer, Long> owners = new HashMap<>();
    for (SequenceStep step : batch.sequences()) {
      for (int i = 0; i < step.blockCount(); i++) {
        owned(owners, step.block(i), step.sequenceId());
      }
    }
    Set<Integer> hostBlocks = new HashSet<>();
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      if (!hostBlocks.add(copy.hostBlock())) {
        fail("two copies go out to host block %d", copy.hostBlock());
      }
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      owned(owners, copy.deviceBlock(), copy.sequenceId());
      if (!hostBlocks.add(copy.hostBlock())) {
        fail("host block %d is copied in twice, or out and in", copy.hostBlock());
      }
    }
  }

  @Override
  void passed(Seen seen) {
    Map<Integer, Long> owners = new HashMap<>();
    for (Ledger.Entry entry : seen.live()) {
      int[] blocks = entry.deviceBlocks();
      for (int i = 0; blocks != null && i < blocks.length; i++) {
        owned(owners, blocks[i], entry.sequenceId());
        if (seen.ledger().device().ownerOf(blocks[i]) != entry.sequenceId()) {
          fail("%s holds block %d, which is not its own", entry.requestId(), blocks[i]);
        }
      }
    }
  }

  private void owned(Map<Integer, Long> owners, int block, long sequenceId) {
    Long other = owners.put(block, sequenceId);
    if (other != null && other != sequenceId) {
      fail("block %d is in the tables of sequences %d and %d", block, other, sequenceId);
    }
  }
}
