package dev.s3llm.engine.plan;

import dev.s3llm.engine.feedback.StepTimeModel;
import dev.s3llm.engine.sequence.Sequence;
import java.util.List;

/**
 * The limit of a step's token budget that keeps the time per output token. A step that decodes
 * takes no more prefill, and starts no more sequences, than the strictest target allows: the
 * engine's or one of its running sequences'. A canvas commits several tokens in few passes, so its
 * target for a step is that of a token times the tokens that a pass commits. {@link StepTimeModel}
 * estimates the time. Three exceptions: a target that a sequence would miss even if it ran alone
 * limits nothing; a step always takes at least {@value #LEAST_CHUNK} tokens of a prefill under way,
 * if it has room, so that every request progresses; and a step without decodes has no limit.
 *
 * <p>Not thread-safe; deterministic.
 */
public final class TokenTimeGuard {
  /** The prefill tokens that a step takes whatever the target. */
  static final int LEAST_CHUNK = 32;

  /** The part of the target that a step may use; the rest is for the errors of the linear model. */
  private static final double AIM = 0.95;

  private final long targetNanos;
  private final StepTimeModel model;

  /**
   * Creates a guard.
   *
   * @param targetNanos the engine's target, in nanoseconds; {@link Long#MAX_VALUE} for none
   * @param model estimates step times; fitted by its other users
   */
  public TokenTimeGuard(long targetNanos, StepTimeModel model) {
    this.model = model;
    this.targetNanos = targetNanos;
  }

  /**
   * Returns the token budget of the next step.
   *
   * @param running the running sequences
   * @param most the budget that executor and settings allow
   */
  int tokenBudget(List<Sequence> running, int most) {
    if (!model.ready()) {
      return most;
    }
    double limit = Double.POSITIVE_INFINITY;
    int decodes = 0;
    int passed = 0;
    long kvTokens = 0;
    boolean prefilling = false;
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      kvTokens += sequence.slotsNeeded();
      boolean decoding = decodes(sequence);
      prefilling |= !decoding;
      if (sequence.canvas()) {
        passed += decoding ? sequence.stepTokens() : 0;
      } else {
        decodes += decoding ? 1 : 0;
      }
      limit = Math.min(limit, limit(sequence));
    }
    int fixed = Math.min(most, decodes + passed);
    if (fixed == 0 || limit == Double.POSITIVE_INFINITY) {
      return most;
    }
    int least = prefilling ? Math.min(LEAST_CHUNK, most - fixed) : 0;
    int room = prefillThatFits(limit, decodes, fixed - decodes, kvTokens, most - fixed);
    return fixed + Math.max(least, room);
  }

  /**
   * Returns whether a running sequence may lose its place to another one without a loss of its time
   * per output token: it has no target that it can keep, or no token yet.
   *
   * @param sequence a running sequence; the model of the step time must be ready
   */
  boolean mayPause(Sequence sequence) {
    return sequence.generatedTokens() == 0 || limit(sequence) == Double.POSITIVE_INFINITY;
  }

  private static boolean decodes(Sequence sequence) {
    return sequence.canvas()
        ? sequence.decodes()
        : sequence.contextTokens() - sequence.kvTokens() == 1;
  }

  /** Returns the longest step, in nanoseconds, that keeps the targets that a sequence can keep. */
  private double limit(Sequence sequence) {
    long own = sequence.spec().times().tokenTimeNanos();
    if (own == Long.MAX_VALUE && targetNanos == Long.MAX_VALUE) {
      return Double.POSITIVE_INFINITY;
    }
    double perStep = sequence.canvas() ? sequence.tokensPerStep() : 1;
    double alone = nanosAlone(sequence);
    return Math.min(limit(own, perStep, alone), limit(targetNanos, perStep, alone));
  }

  private static double limit(long target, double tokensPerStep, double nanosAlone) {
    double step = target * tokensPerStep;
    return target == Long.MAX_VALUE || step < nanosAlone ? Double.POSITIVE_INFINITY : AIM * step;
  }

  /** Returns the time that a step of the sequence takes when it decodes alone. */
  private double nanosAlone(Sequence sequence) {
    long kvTokens = sequence.slotsNeeded();
    if (sequence.canvas()) {
      return model.nanos(0, sequence.decodes() ? sequence.stepTokens() : 0, kvTokens);
    }
    return model.nanos(1, 0, kvTokens);
  }

  /** Returns the most prefill tokens with which the step keeps the limit, by binary search. */
  private int prefillThatFits(double limit, int decodes, int passed, long kvTokens, int most) {
    int fits = -1;
    int tooMany = most + 1;
    while (tooMany - fits > 1) {
      int tried = (fits + tooMany) >>> 1;
      // a sequence that is prefilled decodes afterwards: count its tokens as KV, and one more
      // decode
      double nanos = model.nanos(decodes + (tried > 0 ? 1 : 0), passed + tried, kvTokens + tried);
      if (nanos <= limit) {
        fits = tried;
      } else {
        tooMany = tried;
      }
    }
    return Math.max(0, fits);
  }
}
