package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;
import java.util.function.ToIntFunction;

/**
 * Admits a sequence if the future peak of the batch, computed from the true lengths, fits into
 * memory. This is the most that forecasting can gain, and possible in a simulation only. Sequences
 * take blocks as they fill them, and none is ever preempted for lack of memory.
 *
 * <p>Not thread-safe.
 */
final class ClairvoyantPlanner extends GrowingPlanner {
  private final ToIntFunction<String> trueOutputTokens;
  private FuturePeak peak = new FuturePeak(1);

  /**
   * Creates the planner.
   *
   * @param trueOutputTokens returns the true output length in tokens, by request id
   */
  ClairvoyantPlanner(ToIntFunction<String> trueOutputTokens) {
    super("clairvoyant");
    this.trueOutputTokens = trueOutputTokens;
  }

  @Override
  public void beginPlan(MemoryView view) {
    peak = FuturePeak.of(view, sequence -> trueOutputTokens.applyAsInt(sequence.requestId()));
  }

  @Override
  boolean fitsInFuture(SequenceView candidate, MemoryView view) {
    int length = trueOutputTokens.applyAsInt(candidate.requestId());
    return peak.admits(candidate, length, view.capacityBlocks() - view.sharedBlocks());
  }
}
