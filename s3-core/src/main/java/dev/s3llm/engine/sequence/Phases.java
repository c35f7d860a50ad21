package dev.s3llm.engine.sequence;

import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.predict.LengthPrediction;
import dev.s3llm.predict.LengthQuery;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The two phases of an output that may think: how far it is, and the predictions of both lengths.
 *
 * <p>Let T be the length of the thinking and A that of the answer. Before the output and while it
 * thinks, after g tokens, its whole length is T + A given T &gt; g. Once the thinking has ended
 * with t tokens, it is t + A. A single distribution of the whole length, conditioned on more than g
 * tokens, knows neither of the two. Not thread-safe: the loop owns it.
 */
public final class Phases {
  /** The least number of tokens of thinking after which the whole length is predicted again. */
  private static final int LEAST_INTERVAL = 32;

  /** The part of the thinking so far after which it is predicted again. */
  private static final int INTERVALS = 8;

  private final LengthQuery.Thinking thinking;
  private final LengthQuery thinkingQuery;
  private final LengthQuery answerQuery;
  private final boolean predictedApart;
  private @Nullable Lengths lengths;
  private boolean over;
  private boolean cutOff;
  private int thinkingTokens;
  private int nextRevision = LEAST_INTERVAL;

  /**
   * Creates the phases of an output without tokens.
   *
   * @param thinking how the output divides
   * @param query the query of the whole output
   * @param predictedApart whether the predictor predicts the two lengths apart
   */
  public Phases(LengthQuery.Thinking thinking, LengthQuery query, boolean predictedApart) {
    this.thinking = thinking;
    this.thinkingQuery = query.ofThinking(thinking);
    this.answerQuery = query.ofAnswer();
    this.predictedApart = predictedApart;
  }

  /**
   * Predictions of the two lengths.
   *
   * @param thinking of the thinking; null if {@code answer} is of the whole output
   * @param answer of what follows it
   */
  public record Lengths(@Nullable LengthPrediction thinking, LengthPrediction answer) {
    /** Returns the distribution of the whole length before the output begins. */
    public LengthPrediction whole() {
      return thinking == null ? answer : thinking.plus(answer);
    }
  }

  /** Returns the query for the length of the thinking. */
  public LengthQuery thinkingQuery() {
    return thinkingQuery;
  }

  /** Returns the query for the length of the answer. */
  public LengthQuery answerQuery() {
    return answerQuery;
  }

  /** Returns whether the predictor predicts the two lengths apart. */
  public boolean predictedApart() {
    return predictedApart;
  }

  /** Sets the latest predictions of the two lengths. */
  public void predicted(Lengths latest) {
    lengths = latest;
  }

  /** Returns the latest predictions of the two lengths; null before there are any. */
  public @Nullable Lengths lengths() {
    return lengths;
  }

  /**
   * Records a token of the output.
   *
   * @param tokens prompt and output; not changed
   * @param promptTokens length of the prompt
   * @param committed number of output tokens, the new one included
   */
  void appended(int[] tokens, int promptTokens, int committed) {
    if (over) {
      return;
    }
    thinkingTokens = committed;
    List<Integer> open = thinking.open();
    if (committed <= open.size()) {
      boolean opens = tokens[promptTokens + committed - 1] == open.get(committed - 1);
      end(opens ? -1 : 0, 0);
      return;
    }
    for (List<Integer> close : thinking.close()) {
      if (endsWith(tokens, promptTokens + open.size(), promptTokens + committed, close)) {
        end(committed, close.size());
        return;
      }
    }
  }

  /** Ends the thinking with this length; does not if it is negative. */
  private void end(int length, int closing) {
    if (length >= 0) {
      over = true;
      thinkingTokens = length;
      nextRevision = 0;
      cutOff = length > 0 && length - thinking.open().size() - closing >= thinking.budget();
    }
  }

  private static boolean endsWith(int[] tokens, int from, int to, List<Integer> close) {
    if (to - close.size() < from) {
      return false;
    }
    for (int i = close.size() - 1, at = to - 1; i >= 0; i--, at--) {
      if (tokens[at] != close.get(i)) {
        return false;
      }
    }
    return true;
  }

  /** Returns the tokens of the thinking so far, with its markers. */
  public int thinkingTokens() {
    return thinkingTokens;
  }

  /**
   * Returns the prediction of the whole length that holds from now on; null if the latest one still
   * does.
   *
   * @param committed number of output tokens, 0 or more
   */
  @Nullable LengthPrediction revised(int committed) {
    if (lengths == null || lengths.thinking() == null || committed < nextRevision) {
      return null;
    }
    if (over) {
      nextRevision = Integer.MAX_VALUE;
      return lengths.answer().after(thinkingTokens);
    }
    nextRevision = committed + Math.max(LEAST_INTERVAL, committed / INTERVALS);
    return lengths.thinking().given(committed).plus(lengths.answer());
  }

  /**
   * Returns the lengths of an output that has ended, for predictors that predict them apart. An
   * output that ended while it thought says nothing about the length of its answer.
   *
   * @param committed number of output tokens, at least 1
   * @param censored whether the output was cut off
   */
  public List<LengthFeedback> feedback(int committed, boolean censored) {
    if (lengths == null || lengths.thinking() == null) {
      return List.of();
    }
    List<LengthFeedback> feedback = new ArrayList<>(2);
    boolean cut = over ? cutOff : censored;
    int length = Math.max(1, thinkingTokens);
    feedback.add(new LengthFeedback(thinkingQuery, lengths.thinking(), length, cut));
    int answer = committed - thinkingTokens;
    if (over && answer > 0) {
      feedback.add(new LengthFeedback(answerQuery, lengths.answer(), answer, censored));
    }
    return feedback;
  }
}
