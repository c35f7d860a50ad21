package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.ArrayList;
import java.util.List;

/** The blocks that a step may use do not change until the step has ended (16). */
final class Fence extends Checker {
  private final Checkers.RunnerView world;
  private List<int[]> tables = List.of();

  Fence(Checkers.RunnerView world) {
    this.world = world;
  }

  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    tables = new ArrayList<>();
    for (SequenceStep step : batch.sequences()) {
      int[] table = new int[step.blockCount() + 2];
      for (int i = 0; i < step.blockCount(); i++) {
        table[i] = step.block(i);
      }
      table[table.length - 2] = step.startPosition();
      table[table.length - 1] = step.tokenCount();
      tables.add(table);
    }
  }

  @Override
  void completing(StepBatch batch) {
    Ledger ledger = new Ledger(world.runner().loop());
    for (int i = 0; i < tables.size(); i++) {
      unchanged(batch.sequences().get(i), tables.get(i), ledger.device());
    }
    for (StepBatch.BlockCopy copy : batch.swapIns()) {
      owned(ledger, copy);
    }
    for (StepBatch.BlockCopy copy : batch.swapOuts()) {
      owned(ledger, copy);
    }
    tables = List.of();
  }

  private void unchanged(SequenceStep step, int[] table, KvBlockPool device) {
    int blocks = table.length - 2;
    if (step.blockCount() != blocks
        || step.startPosition() != table[blocks]
        || step.tokenCount() != table[blocks + 1]) {
      fail("%s changed while its step ran", Ledger.requestId(step));
    }
    for (int i = 0; i < blocks; i++) {
      if (step.block(i) != table[i] || device.owners(table[i]) == 0) {
        fail("block %d of %s was released too early", table[i], Ledger.requestId(step));
      }
    }
  }

  private void owned(Ledger ledger, StepBatch.BlockCopy copy) {
    int block = copy.hostBlock();
    boolean held =
        block < ledger.host().capacity()
            ? ledger.host().ownerOf(block) == copy.sequenceId()
            : ledger.stores(block);
    if (!held) {
      fail("host block %d of sequence %d was released too early", block, copy.sequenceId());
    }
  }
}
