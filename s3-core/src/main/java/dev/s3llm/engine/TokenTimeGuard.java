package dev.s3llm.engine;

import java.util.List;

/**
 * Keeps the time per output token: a step that decodes for running sequences takes no more prefill,
 * and starts no more sequences, than the target leaves time for, by what {@link StepTimeModel} has
 * learned. A step always takes some tokens of a prefill under way, so that every request goes on,
 * and where nothing decodes there is nobody to keep the time for.
 *
 * <p>Not thread-safe; deterministic.
 */
final class TokenTimeGuard {
  /** What a prefill under way gets in a step, whatever the target. */
  static final int LEAST_CHUNK = 32;

  /** Share of the target that is aimed at; the rest is for what a linear model does not know. */
  private static final double AIM = 0.95;

  private final double targetNanos;
  private final StepTimeModel model;

  /**
   * Creates a guard.
   *
   * @param targetNanos time per output token; {@link Long#MAX_VALUE} for no limit
   * @param model learns elsewhere
   */
  TokenTimeGuard(long targetNanos, StepTimeModel model) {
    this.model = model;
    this.targetNanos = targetNanos == Long.MAX_VALUE ? Double.POSITIVE_INFINITY : AIM * targetNanos;
  }

  private boolean limits() {
    return targetNanos < Double.POSITIVE_INFINITY;
  }

  /**
   * The token budget of the next step.
   *
   * @param most what executor and settings allow
   */
  int tokenBudget(List<Sequence> running, int most) {
    if (!limits() || !model.ready()) {
      return most;
    }
    int decodes = 0;
    long kvTokens = 0;
    boolean prefilling = false;
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      boolean decoding = sequence.contextTokens() - sequence.kvTokens() == 1;
      decodes += decoding ? 1 : 0;
      prefilling |= !decoding;
      kvTokens += sequence.contextTokens();
    }
    if (decodes == 0) {
      return most;
    }
    int least = prefilling ? Math.min(LEAST_CHUNK, most - decodes) : 0;
    return decodes + Math.max(least, prefillThatFits(decodes, kvTokens, most - decodes));
  }

  /** The most tokens of prefill with which the step keeps the target, found by halving. */
  private int prefillThatFits(int decodes, long kvTokens, int most) {
    int fits = -1;
    int tooMany = most + 1;
    while (tooMany - fits > 1) {
      int tried = (fits + tooMany) >>> 1;
      // whoever is prefilled decodes from then on: its tokens count as KV, and one more decode
      double nanos = model.nanos(decodes + (tried > 0 ? 1 : 0), tried, kvTokens + tried);
      if (nanos <= targetNanos) {
        fits = tried;
      } else {
        tooMany = tried;
      }
    }
    return Math.max(0, fits);
  }
}
