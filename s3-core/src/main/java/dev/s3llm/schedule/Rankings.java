package dev.s3llm.schedule;

import com.google.common.base.Preconditions;
import com.google.common.math.LongMath;
import java.util.function.ToLongFunction;

/** The numbers by which policies sort; lower goes first. All are functions of the view alone. */
final class Rankings {
  /** Probability that an answer is not longer than the quantile that stands for the tail. */
  private static final double TAIL = 0.9;

  private Rankings() {}

  /**
   * Returns the work left, in output tokens: a prompt token that must still be computed counts as a
   * share of an output token.
   */
  static ToLongFunction<SequenceView> work(double outputPerPromptToken) {
    requireNotNegative("outputPerPromptToken", outputPerPromptToken);
    return sequence -> Math.round(workTokens(sequence, outputPerPromptToken));
  }

  static double workTokens(SequenceView sequence, double outputPerPromptToken) {
    return sequence.expectedRemainingTokens()
        + outputPerPromptToken * Math.max(0, sequence.stepTokens());
  }

  /** Returns the expected remaining output plus a part of the distance to the 90 % quantile. */
  static ToLongFunction<SequenceView> tail(double tailWeight) {
    requireNotNegative("tailWeight", tailWeight);
    return sequence -> {
      double left = sequence.expectedRemainingTokens();
      int generated = sequence.generatedTokens();
      int longest = sequence.prediction().given(generated).quantile(TAIL) - generated;
      return Math.round(left + tailWeight * Math.max(0, longest - left));
    };
  }

  /**
   * Returns the KV tokens held over the remaining decode steps: the context grows by one token in
   * each, so it is its mean size times the number of steps.
   */
  static long volume(SequenceView sequence) {
    double left = Math.max(1, sequence.expectedRemainingTokens());
    double context = (double) sequence.promptTokens() + sequence.generatedTokens();
    return Math.round(
        sequence.canvas()
            ? sequence.slotsNeeded() * sequence.stepsLeft()
            : left * (context + left / 2));
  }

  /** Returns the latest time at which the rest must begin to end by the deadline. */
  static ToLongFunction<SequenceView> slack(long nanosPerOutputToken, double outputPerPromptToken) {
    return sequence -> {
      long deadline = sequence.deadlineNanos();
      double service = nanosPerOutputToken * workTokens(sequence, outputPerPromptToken);
      return deadline == Long.MAX_VALUE
          ? deadline
          : LongMath.saturatedSubtract(deadline, Math.round(service));
    };
  }

  private static void requireNotNegative(String name, double value) {
    Preconditions.checkArgument(
        value >= 0 && value < Double.POSITIVE_INFINITY,
        "%s must be 0 or more and finite, but is %s",
        name,
        value);
  }
}
