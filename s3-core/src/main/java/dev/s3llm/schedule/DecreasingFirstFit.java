package dev.s3llm.schedule;

import dev.s3llm.memory.SequenceView;

/**
 * The largest that fits (S3, NeurIPS 2023, section 3.2): the weight is the KV memory that the
 * planner would set aside. With a bound on overtaking, which the paper does not have.
 *
 * @param maxOvertakes how many may pass one that waits
 */
public record DecreasingFirstFit(int maxOvertakes) implements QueueOrder {

  /** Decreasing first fit with the default bound. */
  public DecreasingFirstFit() {
    this(QueueOrders.DEFAULT_MAX_OVERTAKES);
  }

  /** Validates the bound. */
  public DecreasingFirstFit {
    QueueOrders.requireBound(maxOvertakes);
  }

  @Override
  public String name() {
    return "dff";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    return -admissionBlocks;
  }

  @Override
  public boolean skipsUnfit() {
    return true;
  }

  @Override
  public long firstRankWithin(int availableBlocks) {
    return -availableBlocks;
  }
}
