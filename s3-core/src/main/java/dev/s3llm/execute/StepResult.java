package dev.s3llm.execute;

import java.util.Map;
import java.util.Objects;

/**
 * The result of a step. The token array is not copied and must not change after construction;
 * thread-safe then.
 *
 * @param tokens one value for each sequence of the batch, in its order: the sampled token id, or
 *     {@link #NO_TOKEN} if the sequence does not sample or has failed
 * @param failures the sequences that failed alone (because a sampler threw, for example), by index
 *     in the batch; usually empty
 */
@SuppressWarnings("ArrayRecordComponent") // passed on once, never compared
public record StepResult(int[] tokens, Map<Integer, Throwable> failures) {

  /**
   * Copies the failures.
   *
   * @throws NullPointerException if an argument, or a failure, is null
   */
  public StepResult {
    Objects.requireNonNull(tokens, "tokens");
    failures = Map.copyOf(failures);
  }

  /** The value of a sequence for which the step sampled no token. */
  public static final int NO_TOKEN = -1;

  /**
   * Returns a result without failures.
   *
   * @param tokens one value for each sequence of the batch: a token id or {@link #NO_TOKEN}
   * @throws NullPointerException if the array is null
   */
  public static StepResult of(int... tokens) {
    return new StepResult(tokens, Map.of());
  }
}
