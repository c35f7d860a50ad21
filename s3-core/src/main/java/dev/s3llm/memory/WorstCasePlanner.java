package dev.s3llm.memory;

import dev.s3llm.schedule.SequenceView;

/**
 * Reserves the prompt and the whole output limit, as ORCA and FasterTransformer do: the paper's
 * baseline. No sequence outgrows its reservation, so none is preempted. Immutable and thread-safe.
 */
public final class WorstCasePlanner extends ReservingPlanner {

  /** Creates the planner. */
  public WorstCasePlanner() {
    super("worst-case", "prompt and output limit");
  }

  @Override
  int expectedOutput(SequenceView sequence) {
    return sequence.maxNewTokens();
  }
}
