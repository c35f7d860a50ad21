package dev.s3llm;

import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.observe.Explanation;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of a generation: its tokens, how it ended, and how long it took. Immutable and
 * thread-safe.
 */
public final class GenerationResult {
  private final String id;
  private final int promptTokens;
  private final int[] tokens;
  private final @Nullable ScoreBuffer scores;
  private final SequenceOutcome outcome;
  private final @Nullable Throwable failure;

  GenerationResult(
      String id,
      int promptTokens,
      int[] tokens,
      @Nullable ScoreBuffer scores,
      SequenceOutcome outcome,
      @Nullable Throwable failure) {
    this.id = id;
    this.promptTokens = promptTokens;
    this.tokens = tokens;
    this.scores = scores;
    this.outcome = outcome;
    this.failure = failure;
  }

  /** Returns the id of the request. */
  public String id() {
    return id;
  }

  /** Returns how the generation ended. */
  public FinishReason finishReason() {
    return outcome.reason();
  }

  /**
   * Returns what failed, if the reason is {@link FinishReason#FAILED}: a {@link
   * GenerationFailedException}, or the {@link RequestRefusedException} of a request that was
   * refused after its submission.
   */
  public Optional<Throwable> failure() {
    return Optional.ofNullable(failure);
  }

  /**
   * Returns whether the request failed and the same request may succeed if it is submitted again,
   * to this engine or to another one.
   */
  public boolean retriable() {
    return failure instanceof GenerationFailedException failed
        ? failed.retriable()
        : failure instanceof RequestRefusedException refused && refused.retriable();
  }

  /** Returns the length of the prompt, in tokens; an opaque input counts with its slots. */
  public int promptTokens() {
    return promptTokens;
  }

  /**
   * Returns the number of prompt tokens whose KV other requests had computed, so that they were not
   * computed again for this one; 0 or more, and less than {@link #promptTokens}.
   */
  public int cachedTokens() {
    return outcome.explanation().cachedTokens();
  }

  /**
   * Returns a copy of the generated token ids, a stop token included. If the generation did not end
   * with {@link FinishReason#STOP} or {@link FinishReason#LENGTH}, these are the tokens generated
   * until then.
   */
  public int[] tokens() {
    return tokens.clone();
  }

  /**
   * The log probability of a token of an answer, and of the tokens that were the most probable in
   * its place. Natural logarithms of the probabilities that the model gave, before sampling
   * parameters, constraints and biases changed them.
   *
   * @param token the token's id
   * @param logProbability its log probability, 0 or less; NaN if the executor returned none
   * @param alternatives the most probable tokens in descending order, the token itself perhaps
   *     among them; as many as the request asked for
   */
  public record TokenScores(int token, double logProbability, List<Alternative> alternatives) {
    /** Copies the list. */
    public TokenScores {
      alternatives = List.copyOf(alternatives);
    }

    /**
     * A token that might have come.
     *
     * @param token the token's id
     * @param logProbability its log probability, 0 or less
     */
    public record Alternative(int token, double logProbability) {}
  }

  /**
   * Returns the mean log probability of the generated tokens, without those whose value is not
   * known; {@link Double#NEGATIVE_INFINITY} if none is known.
   */
  public double meanLogProbability() {
    return scores().stream()
        .mapToDouble(TokenScores::logProbability)
        .filter(value -> !Double.isNaN(value))
        .average()
        .orElse(Double.NEGATIVE_INFINITY);
  }

  /**
   * Returns the log probabilities of all generated tokens, one value for each; empty if the request
   * did not ask for them ({@link GenerationRequest.Builder#logProbabilities}). Makes a new list at
   * each call.
   */
  public List<TokenScores> scores() {
    @Nullable ScoreBuffer known = scores;
    if (known == null) {
      return List.of();
    }
    List<TokenScores> all = new ArrayList<>(tokens.length);
    for (int i = 0; i < tokens.length; i++) {
      @Nullable TokenScores own = known.get(i);
      all.add(own == null ? new TokenScores(tokens[i], Double.NaN, List.of()) : own);
    }
    return List.copyOf(all);
  }

  /** Returns the number of generated tokens. */
  public int outputTokens() {
    return tokens.length;
  }

  /**
   * Returns the latest predicted output length, or nothing if the generation ended before there was
   * a prediction.
   */
  public Optional<LengthPrediction> prediction() {
    @Nullable LengthPrediction prediction = outcome.prediction();
    return Optional.ofNullable(prediction);
  }

  /** Returns the KV slots, in tokens, reserved at the first admission; 0 without an admission. */
  public int reservedTokens() {
    return outcome.reservedTokens();
  }

  /**
   * Returns the KV slots of the canvas on which the answer was decoded; 0 if it was decoded token
   * by token.
   */
  public int canvasSlots() {
    return outcome.canvasSlots();
  }

  /**
   * Returns the number of passes over the canvas, those that preemptions made necessary again
   * included; 0 without a canvas.
   */
  public int canvasPasses() {
    return outcome.passes();
  }

  /** Returns how often the request was preempted. */
  public int preemptions() {
    return outcome.preemptions();
  }

  /** Returns the time from submission to the first admission, or to the end if there was none. */
  public Duration queued() {
    return Duration.ofNanos(outcome.timing().queuedNanos());
  }

  /** Returns the time from submission to the first token, if there was one. */
  public Optional<Duration> timeToFirstToken() {
    long nanos = outcome.timing().firstTokenNanos();
    return nanos < 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos));
  }

  /**
   * Returns what the request waited for, what memory it reserved and used, and what it lost to
   * preemptions.
   */
  public Explanation explanation() {
    return outcome.explanation();
  }

  /** Returns the time from submission to the end. */
  public Duration total() {
    return Duration.ofNanos(outcome.timing().totalNanos());
  }
}
