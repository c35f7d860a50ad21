package dev.s3llm.memory;

import com.google.common.base.Preconditions;
import dev.s3llm.memory.MemoryDecision.Defer;
import dev.s3llm.memory.MemoryDecision.Reserve;
import dev.s3llm.schedule.SequenceView;

/**
 * Reserves only the blocks that present tokens fill, and one block more at a time (a canvas gets
 * its blocks once it is known); recovery makes room when memory is full. This is paged attention as
 * in vLLM (SOSP 2023, section 4.5). A sequence is admitted if its present tokens fit and a small
 * share of memory, the watermark, stays free for the growth of the running sequences.
 *
 * <p>Immutable and thread-safe.
 */
public final class OnDemandPlanner implements MemoryPlanner {
  private final double watermark;

  /** Creates the planner with a watermark of one percent. */
  public OnDemandPlanner() {
    this(0.01);
  }

  /**
   * Creates the planner.
   *
   * @param watermark share of the device's blocks that an admission must leave free, in {@code [0,
   *     1)}; it does not apply while no block is reserved
   * @throws IllegalArgumentException if the watermark is out of range
   */
  public OnDemandPlanner(double watermark) {
    Preconditions.checkArgument(
        watermark >= 0 && watermark < 1,
        "watermark must be from 0 to below 1, but is %s",
        watermark);
    this.watermark = watermark;
  }

  @Override
  public String name() {
    return "on-demand";
  }

  @Override
  public int admissionBlocks(SequenceView candidate, MemoryView view) {
    return view.blocksFor(candidate.slotsNeeded());
  }

  @Override
  public MemoryDecision admit(SequenceView candidate, MemoryView view) {
    int blocks = admissionBlocks(candidate, view);
    int keepFree = view.empty() ? 0 : (int) (watermark * view.capacityBlocks());
    return blocks + keepFree <= view.availableBlocks()
        ? new Reserve(blocks, "present tokens")
        : new Defer(blocks + keepFree, "not enough free KV blocks");
  }

  @Override
  public MemoryDecision grow(SequenceView sequence, MemoryView view) {
    int blocks = Math.max(sequence.reservedBlocks() + 1, view.blocksFor(sequence.slotsNeeded()));
    return view.availableBlocks() >= blocks - sequence.reservedBlocks()
        ? new Reserve(blocks, "next block")
        : new Defer(blocks, "not enough free KV blocks");
  }
}
