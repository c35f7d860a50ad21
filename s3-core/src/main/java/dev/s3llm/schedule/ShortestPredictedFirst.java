package dev.s3llm.schedule;

import dev.s3llm.memory.SequenceView;

/**
 * The shortest expected remaining output first, which lowers mean latency. What may pass a request
 * is bounded by its own length: whoever asks for little is not made to wait for long, and whoever
 * asks for much bears more, up to the bound of all.
 *
 * @param maxOvertakes how many may pass the longest
 * @param overtakesPerToken how many may pass a request for each token that it is expected to
 *     produce yet; positive
 */
public record ShortestPredictedFirst(int maxOvertakes, double overtakesPerToken)
    implements QueueOrder {
  /** Overtakes per expected token by default; an answer of 125 tokens bears 1,000. */
  static final double DEFAULT_OVERTAKES_PER_TOKEN = 8;

  /** Shortest first with the default bounds. */
  public ShortestPredictedFirst() {
    this(QueueOrders.DEFAULT_MAX_OVERTAKES);
  }

  /** Shortest first with this bound for the longest, and the default for each token. */
  public ShortestPredictedFirst(int maxOvertakes) {
    this(maxOvertakes, DEFAULT_OVERTAKES_PER_TOKEN);
  }

  /** Validates the bounds. */
  public ShortestPredictedFirst {
    QueueOrders.requireBound(maxOvertakes);
    if (!(overtakesPerToken > 0)) {
      throw new IllegalArgumentException(
          "overtakesPerToken must be positive, but is " + overtakesPerToken);
    }
  }

  @Override
  public String name() {
    return "spf";
  }

  @Override
  public long rank(SequenceView sequence, int admissionBlocks) {
    return Math.round(remaining(sequence));
  }

  @Override
  public boolean skipsUnfit() {
    return false;
  }

  @Override
  public int maxOvertakes(SequenceView sequence) {
    double bound = Math.ceil(overtakesPerToken * Math.max(0, remaining(sequence)));
    return (int) Math.max(1, Math.min(maxOvertakes, bound));
  }

  private static double remaining(SequenceView sequence) {
    int generated = sequence.generatedTokens();
    return sequence.prediction().given(generated).mean() - generated;
  }
}
