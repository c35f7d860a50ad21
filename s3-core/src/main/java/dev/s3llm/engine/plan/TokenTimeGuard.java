package dev.s3llm.engine.plan;

import dev.s3llm.engine.feedback.StepTimeModel;
import dev.s3llm.engine.sequence.Sequence;
import java.util.List;

/**
 * Keeps the time per output token: a step that decodes for running sequences takes no more prefill,
 * and starts no more sequences, than the strictest target, the engine's or one of theirs, leaves
 * time for, by what {@link StepTimeModel} has learned. A step always takes some tokens of a prefill
 * under way, so that every request goes on, and where nothing decodes there is nobody to keep the
 * time for.
 *
 * <p>Not thread-safe; deterministic.
 */
public final class TokenTimeGuard {
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
  public TokenTimeGuard(long targetNanos, StepTimeModel model) {
    this.model = model;
    this.targetNanos = aim(targetNanos);
  }

  /**
   * The token budget of the next step.
   *
   * @param most what executor and settings allow
   */
  int tokenBudget(List<Sequence> running, int most) {
    if (!model.ready()) {
      return most;
    }
    double strictest = targetNanos;
    int decodes = 0;
    long kvTokens = 0;
    boolean prefilling = false;
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      boolean decoding = sequence.contextTokens() - sequence.kvTokens() == 1;
      decodes += decoding ? 1 : 0;
      prefilling |= !decoding;
      kvTokens += sequence.contextTokens();
      strictest = Math.min(strictest, aim(sequence.spec().times().tokenTimeNanos()));
    }
    if (decodes == 0 || strictest == Double.POSITIVE_INFINITY) {
      return most;
    }
    int least = prefilling ? Math.min(LEAST_CHUNK, most - decodes) : 0;
    int room = prefillThatFits(strictest, decodes, kvTokens, most - decodes);
    return decodes + Math.max(least, room);
  }

  private static double aim(long nanos) {
    return nanos == Long.MAX_VALUE ? Double.POSITIVE_INFINITY : AIM * nanos;
  }

  /** The most tokens of prefill with which the step keeps the target, found by halving. */
  private int prefillThatFits(double limit, int decodes, long kvTokens, int most) {
    int fits = -1;
    int tooMany = most + 1;
    while (tooMany - fits > 1) {
      int tried = (fits + tooMany) >>> 1;
      // whoever is prefilled decodes from then on: its tokens count as KV, and one more decode
      double nanos = model.nanos(decodes + (tried > 0 ? 1 : 0), tried, kvTokens + tried);
      if (nanos <= limit) {
        fits = tried;
      } else {
        tooMany = tried;
      }
    }
    return Math.max(0, fits);
  }
}
