package dev.s3llm.schedule;

import dev.s3llm.memory.SequenceView;

/**
 * In order of arrival. Preempted sequences keep their arrival, so they come first.
 *
 * @param maxOvertakes how many requests of higher priority may pass one that waits
 */
public record FirstComeFirstServed(int maxOvertakes) implements QueueOrder {

  /** Arrival order with the default bound. */
  public FirstComeFirstServed() {
    this(QueueOrders.DEFAULT_MAX_OVERTAKES);
  }

  /** Validates the bound. */
  public FirstComeFirstServed {
    QueueOrders.requireBound(maxOvertakes);
  }

  @Override
  public String name() {
    return "fcfs";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    return 0;
  }

  @Override
  public boolean skipsUnfit() {
    return false;
  }
}
