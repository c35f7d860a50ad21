package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;

/**
 * Base of planners that reserve the blocks that a sequence's present tokens fill, and one block
 * more at a time as it grows, or its canvas once that is known. They differ in the sequences that
 * they admit.
 */
abstract class GrowingPlanner implements MemoryPlanner {
  private final String name;

  GrowingPlanner(String name) {
    this.name = name;
  }

  /**
   * Returns whether the batch fits into memory in future if the candidate, whose present tokens
   * fit, joins it. If so, later calls of the same plan count the candidate as part of the batch.
   */
  abstract boolean fitsInFuture(SequenceView candidate, MemoryView view);

  @Override
  public final String name() {
    return name;
  }

  @Override
  public final int admissionBlocks(SequenceView candidate, MemoryView view) {
    return view.blocksFor(candidate.slotsNeeded());
  }

  @Override
  public final MemoryDecision admit(SequenceView candidate, MemoryView view) {
    int blocks = admissionBlocks(candidate, view);
    if (blocks > view.availableBlocks()) {
      return new MemoryDecision.Defer(blocks, "not enough free KV blocks");
    }
    return fitsInFuture(candidate, view)
        ? new MemoryDecision.Reserve(blocks, "the batch's future use fits")
        : new MemoryDecision.Defer(
            view.availableBlocks() + 1, "the batch's future use would not fit");
  }

  @Override
  public final MemoryDecision grow(SequenceView sequence, MemoryView view) {
    int blocks = Math.max(sequence.reservedBlocks() + 1, view.blocksFor(sequence.slotsNeeded()));
    if (view.availableBlocks() >= blocks - sequence.reservedBlocks()) {
      return new MemoryDecision.Reserve(blocks, "next block");
    }
    return new MemoryDecision.Defer(
        view.availableBlocks() + blocks + 1, "not enough free KV blocks");
  }
}
