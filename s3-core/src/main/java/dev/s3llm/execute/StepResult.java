package dev.s3llm.execute;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The result of a step: for each sequence of the batch, the tokens that it commits, and the KV
 * slots that it needs for its next step.
 *
 * <p>A <em>plain</em> result ({@link #of(int...)}) has one value for each sequence: a token, or
 * {@link #NO_TOKEN}. Any other result has a builder ({@link #committing}), with three flat arrays:
 * the tokens of all sequences one after another, the number of tokens of each sequence, and the
 * slots of each.
 *
 * <pre>{@code
 * StepResult.of(17, StepResult.NO_TOKEN); // two sequences, the second samples none
 *
 * StepResult.committing(new int[] {4, 5, 6}, 0, 3) // nothing for the first, three for the second
 *     .slots(40, 0) // the first needs 40 slots for its next step
 *     .stepsLeft(3, 0) // and takes three more steps
 *     .build();
 * }</pre>
 *
 * <p>Rules, which the engine checks. A sequence that does not sample, or has failed, has no token
 * and no slots. Tokens are in the vocabulary. A committed token is final: it is delivered at once
 * and never taken back. Tokens after a stop token, or beyond the output limit, are ignored. A
 * sequence that commits no token must report slots beyond those that it has computed, because it
 * would have nothing to compute otherwise.
 *
 * <p>Arrays are not copied, and must not change afterwards. Thread-safe then.
 */
public final class StepResult {
  /** The value of a sequence for which the step sampled no token, in a plain result. */
  public static final int NO_TOKEN = -1;

  private static final float[] NO_FEATURES = {};

  private final int[] tokens;
  private final int @Nullable [] counts;
  private final int @Nullable [] slots;
  private final int @Nullable [] stepsLeft;
  private final Map<Integer, Throwable> failures;
  private final float[] features;
  private final LogProbabilities logProbabilities;

  private StepResult(int[] tokens, Map<Integer, Throwable> failures) {
    this.tokens = Objects.requireNonNull(tokens, "tokens must not be null");
    this.failures = Map.copyOf(failures);
    counts = null;
    slots = null;
    stepsLeft = null;
    features = NO_FEATURES;
    logProbabilities = LogProbabilities.NONE;
  }

  private StepResult(Builder builder) {
    tokens = builder.tokens;
    counts = builder.counts;
    slots = builder.slots;
    stepsLeft = builder.stepsLeft;
    failures = builder.failures;
    features = NO_FEATURES;
    logProbabilities = LogProbabilities.NONE;
  }

  private StepResult(StepResult other, float[] features, LogProbabilities logProbabilities) {
    tokens = other.tokens;
    counts = other.counts;
    slots = other.slots;
    stepsLeft = other.stepsLeft;
    failures = other.failures;
    this.features = Objects.requireNonNull(features, "features must not be null");
    this.logProbabilities =
        Objects.requireNonNull(logProbabilities, "logProbabilities must not be null");
  }

  /**
   * Returns a plain result without failures.
   *
   * @param tokens one value for each sequence of the batch: a token id or {@link #NO_TOKEN}
   * @throws NullPointerException if the array is null
   */
  public static StepResult of(int... tokens) {
    return new StepResult(tokens, Map.of());
  }

  /**
   * Returns a plain result.
   *
   * @param tokens one value for each sequence of the batch: a token id, or {@link #NO_TOKEN} if the
   *     sequence does not sample or has failed
   * @param failures the sequences that failed alone (because a sampler threw, for example), by
   *     index in the batch; copied
   * @throws NullPointerException if an argument, or a failure, is null
   */
  public static StepResult of(int[] tokens, Map<Integer, Throwable> failures) {
    return new StepResult(tokens, failures);
  }

  /**
   * Returns a builder of a result in which a sequence commits any number of tokens.
   *
   * @param tokens the committed tokens of all sequences, one sequence after another, each in order
   * @param counts number of tokens of each sequence, in the order of the batch, 0 or more; their
   *     sum is the length of {@code tokens}
   * @throws NullPointerException if an array is null
   */
  public static Builder committing(int[] tokens, int... counts) {
    return new Builder(tokens, counts);
  }

  /** Returns whether this result has one value for each sequence, and neither slots nor steps. */
  public boolean plain() {
    return counts == null;
  }

  /** Returns the number of sequences that this result is about. */
  public int sequences() {
    return counts == null ? tokens.length : counts.length;
  }

  /**
   * Returns the tokens; the array itself. In a plain result, one value for each sequence; otherwise
   * the committed tokens of all sequences, one sequence after another.
   */
  public int[] tokens() {
    return tokens;
  }

  /**
   * Returns the number of tokens that a sequence commits; not checked, so it may be negative.
   *
   * @param sequence index in the batch, from 0 to {@code sequences() - 1}
   */
  public int count(int sequence) {
    return counts != null ? counts[sequence] : tokens[sequence] == NO_TOKEN ? 0 : 1;
  }

  /**
   * Returns the KV slots that a sequence needs for its next step, prompt included; 0 if as many as
   * its context.
   *
   * @param sequence index in the batch, from 0 to {@code sequences() - 1}
   */
  public int slots(int sequence) {
    return slots == null ? 0 : slots[sequence];
  }

  /**
   * Returns the number of steps that a sequence is expected to take after this one; 0 if unknown.
   *
   * @param sequence index in the batch, from 0 to {@code sequences() - 1}
   */
  public int stepsLeft(int sequence) {
    return stepsLeft == null ? 0 : stepsLeft[sequence];
  }

  /**
   * Returns an equal result with the features of the sequences that requested them ({@link
   * SequenceStep#wantsFeatures}).
   *
   * @param features {@link ExecutorProfile#featureWidth} values for each such sequence, in the
   *     order of the batch, and nothing for the others; those of a sequence that has failed may be
   *     anything. Not copied. An array of another length is ignored, and counted
   * @throws NullPointerException if the array is null
   */
  public StepResult withFeatures(float... features) {
    return new StepResult(this, features, logProbabilities);
  }

  /**
   * Returns an equal result with the log probabilities of the sequences that requested them ({@link
   * SequenceStep#logProbabilities}).
   *
   * @param logProbabilities those sequences' values, in the order of the batch. Not copied. Arrays
   *     of other lengths are ignored, and counted
   * @throws NullPointerException if the argument is null
   */
  public StepResult withLogProbabilities(LogProbabilities logProbabilities) {
    return new StepResult(this, features, logProbabilities);
  }

  /** Returns the log probabilities; {@link LogProbabilities#NONE} if the executor returned none. */
  public LogProbabilities logProbabilities() {
    return logProbabilities;
  }

  /**
   * Natural logarithms of the probabilities that the model gives, before sampling parameters, masks
   * and biases change the logits. For each sequence that requested {@code n} of them: the value of
   * the committed token, then those of the {@code n} most probable tokens in descending order,
   * among equals the lower id first. If the sequence commits several tokens, the same for each of
   * them in turn, and nothing if it commits none. In a plain result, a sequence that has failed has
   * its place, too, with any values.
   *
   * @param values {@code 1 + n} values for each token of each such sequence, one sequence after
   *     another
   * @param tokens the ids that the values belong to, in the same places
   */
  @SuppressWarnings("ArrayRecordComponent") // flat arrays: nothing is allocated for each token
  public record LogProbabilities(float[] values, int[] tokens) {
    /** No values. */
    public static final LogProbabilities NONE = new LogProbabilities(new float[0], new int[0]);
  }

  /**
   * Returns the features of the sequences that requested them, one sequence after another; the
   * array itself. Empty if the executor returned none.
   */
  public float[] features() {
    return features;
  }

  /** Returns the failures of single sequences, by index in the batch; unmodifiable. */
  public Map<Integer, Throwable> failures() {
    return failures;
  }

  /**
   * Returns a copy of the tokens that a sequence commits, for tools and tests. The time is
   * proportional to the number of sequences before it.
   *
   * @param sequence index in the batch, from 0 to {@code sequences() - 1}
   * @throws IndexOutOfBoundsException if there is no such sequence, or counts and tokens do not fit
   */
  public int[] committed(int sequence) {
    if (counts == null) {
      return tokens[sequence] == NO_TOKEN ? new int[0] : new int[] {tokens[sequence]};
    }
    int from = 0;
    for (int i = 0; i < sequence; i++) {
      from += counts[i];
    }
    Objects.checkFromIndexSize(from, counts[sequence], tokens.length);
    return Arrays.copyOfRange(tokens, from, from + counts[sequence]);
  }

  /** Returns whether slots and steps, where they are set, have one value for each sequence. */
  public boolean consistent() {
    int length = sequences();
    return (slots == null || slots.length == length)
        && (stepsLeft == null || stepsLeft.length == length);
  }

  @Override
  public String toString() {
    return "StepResult[tokens=%s, counts=%s, slots=%s, stepsLeft=%s, failures=%s, %d features]"
        .formatted(
            Arrays.toString(tokens),
            Arrays.toString(counts),
            Arrays.toString(slots),
            Arrays.toString(stepsLeft),
            failures,
            features.length);
  }

  /**
   * Builds a result. What is not set is unknown for every sequence. Arrays are not copied. Not
   * thread-safe.
   */
  public static final class Builder {
    private final int[] tokens;
    private final int[] counts;
    private int @Nullable [] slots;
    private int @Nullable [] stepsLeft;
    private Map<Integer, Throwable> failures = Map.of();

    private Builder(int[] tokens, int[] counts) {
      this.tokens = Objects.requireNonNull(tokens, "tokens must not be null");
      this.counts = Objects.requireNonNull(counts, "counts must not be null");
    }

    /**
     * Sets the slots that each sequence needs for its next step; 0 for every sequence by default.
     *
     * @param perSequence KV slots of each sequence, prompt included, at most those of its prompt
     *     and output limit; 0 for as many as its context, or for a canvas as it is
     * @throws NullPointerException if the array is null
     */
    public Builder slots(int... perSequence) {
      slots = Objects.requireNonNull(perSequence, "slots must not be null");
      return this;
    }

    /**
     * Sets how many steps each sequence is expected to take after this one: an estimate that
     * changes speed only. Unknown by default.
     *
     * @param perSequence number of steps of each sequence, 0 or more; 0 if unknown
     * @throws NullPointerException if the array is null
     */
    public Builder stepsLeft(int... perSequence) {
      stepsLeft = Objects.requireNonNull(perSequence, "stepsLeft must not be null");
      return this;
    }

    /**
     * Sets the sequences that failed alone, because a sampler threw, for example. None by default.
     *
     * @param byIndex the failures, by index in the batch; copied
     * @throws NullPointerException if the map, or a failure, is null
     */
    public Builder failures(Map<Integer, Throwable> byIndex) {
      failures = Map.copyOf(byIndex);
      return this;
    }

    /** Returns the result. */
    public StepResult build() {
      return new StepResult(this);
    }
  }
}
