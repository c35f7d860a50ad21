package dev.s3llm;

import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.RequestRefusedException;
import dev.s3llm.observe.Explanation;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.predict.LengthPrediction;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How a generation ended and what it took. Immutable. */
public final class GenerationResult {
  private final String id;
  private final int promptTokens;
  private final int[] tokens;
  private final SequenceOutcome outcome;
  private final @Nullable Throwable failure;

  GenerationResult(
      String id,
      int promptTokens,
      int[] tokens,
      SequenceOutcome outcome,
      @Nullable Throwable failure) {
    this.id = id;
    this.promptTokens = promptTokens;
    this.tokens = tokens;
    this.outcome = outcome;
    this.failure = failure;
  }

  /** The request's id. */
  public String id() {
    return id;
  }

  /** How it ended. */
  public FinishReason finishReason() {
    return outcome.reason();
  }

  /**
   * What failed, with {@link FinishReason#FAILED}: a {@link GenerationFailedException}, or the
   * {@link RequestRefusedException} of a request that was refused after its submission.
   */
  public Optional<Throwable> failure() {
    return Optional.ofNullable(failure);
  }

  /**
   * Whether the same request may succeed if it is submitted again, here or to another engine: it
   * failed, and not by its own fault.
   */
  public boolean retriable() {
    return failure instanceof GenerationFailedException failed
        ? failed.retriable()
        : failure instanceof RequestRefusedException refused && refused.retriable();
  }

  /** Length of the prompt. */
  public int promptTokens() {
    return promptTokens;
  }

  /**
   * The generated token ids, a stop token included; a copy. Whole or partial, as far as it came.
   */
  public int[] tokens() {
    return tokens.clone();
  }

  /** How many tokens were generated. */
  public int outputTokens() {
    return tokens.length;
  }

  /** The predicted length, unless it ended before it was predicted. */
  public Optional<LengthPrediction> prediction() {
    @Nullable LengthPrediction prediction = outcome.prediction();
    return Optional.ofNullable(prediction);
  }

  /** KV slots that were set aside when it first started; 0 if it never did. */
  public int reservedTokens() {
    return outcome.reservedTokens();
  }

  /** How often it was preempted. */
  public int preemptions() {
    return outcome.preemptions();
  }

  /** From submission to the first admission, or to the end if there was none. */
  public Duration queued() {
    return Duration.ofNanos(outcome.timing().queuedNanos());
  }

  /** From submission to the first token. */
  public Optional<Duration> timeToFirstToken() {
    long nanos = outcome.timing().firstTokenNanos();
    return nanos < 0 ? Optional.empty() : Optional.of(Duration.ofNanos(nanos));
  }

  /** Why it took as long: what it waited for, reserved, used and lost. */
  public Explanation explanation() {
    return outcome.explanation();
  }

  /** From submission to the end. */
  public Duration total() {
    return Duration.ofNanos(outcome.timing().totalNanos());
  }
}
