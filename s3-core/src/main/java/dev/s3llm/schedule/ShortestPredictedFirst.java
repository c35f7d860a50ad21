package dev.s3llm.schedule;

import dev.s3llm.memory.SequenceView;

/**
 * The shortest expected remaining output first, which lowers mean latency. With a bound on
 * overtaking.
 *
 * @param maxOvertakes how many may pass one that waits
 */
public record ShortestPredictedFirst(int maxOvertakes) implements QueueOrder {

  /** Shortest first with the default bound. */
  public ShortestPredictedFirst() {
    this(QueueOrders.DEFAULT_MAX_OVERTAKES);
  }

  /** Validates the bound. */
  public ShortestPredictedFirst {
    QueueOrders.requireBound(maxOvertakes);
  }

  @Override
  public String name() {
    return "spf";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    int generated = sequence.generatedTokens();
    return Math.round(sequence.prediction().given(generated).mean()) - generated;
  }

  @Override
  public boolean skipsUnfit() {
    return false;
  }
}
