package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;
import java.util.function.ToIntFunction;

/**
 * Sets aside the prompt and the true output length: the paper's upper bound for static
 * reservations, possible in simulation only.
 */
final class OraclePlanner extends ReservingPlanner {
  private final ToIntFunction<String> trueOutputTokens;

  /**
   * Creates the planner.
   *
   * @param trueOutputTokens the true output length by request id
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
