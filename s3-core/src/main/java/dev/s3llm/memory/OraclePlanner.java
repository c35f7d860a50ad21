package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;
import java.util.function.ToIntFunction;

/**
 * Reserves the prompt and the true output length: the paper's upper bound for static reservations,
 * possible in a simulation only. Thread-safe if its function is.
 */
final class OraclePlanner extends ReservingPlanner {
  private final ToIntFunction<String> trueOutputTokens;

  /**
   * Creates the planner.
   *
   * @param trueOutputTokens returns the true output length in tokens, by request id
   */
  OraclePlanner(ToIntFunction<String> trueOutputTokens) {
    super("oracle", "prompt and true length");
    this.trueOutputTokens = trueOutputTokens;
  }

  @Override
  int expectedOutput(SequenceView sequence) {
    return trueOutputTokens.applyAsInt(sequence.requestId());
  }
}
