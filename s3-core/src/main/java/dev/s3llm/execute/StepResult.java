package dev.s3llm.execute;

import java.util.Map;
import java.util.Objects;

/**
 * What a step produced.
 *
 * @param tokens for the i-th sequence of the batch the sampled token id, or {@link #NO_TOKEN} where
 *     it does not sample or failed
 * @param failures by index in the batch, the sequences that failed alone (a sampler that threw, for
 *     example); usually empty
 */
@SuppressWarnings("ArrayRecordComponent") // handed over once, never compared
public record StepResult(int[] tokens, Map<Integer, Throwable> failures) {

  /** Copies the failures; neither argument, nor a failure, may be null. */
  public StepResult {
    Objects.requireNonNull(tokens, "tokens");
    failures = Map.copyOf(failures);
  }

  /** Stands where a sequence has no sampled token. */
  public static final int NO_TOKEN = -1;

  /** A result without failures. */
  public static StepResult of(int... tokens) {
    return new StepResult(tokens, Map.of());
  }
}
