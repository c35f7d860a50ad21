package dev.s3llm.scenario;

import dev.s3llm.execute.SequenceStep;
import dev.s3llm.execute.StepBatch;
import java.util.HashSet;
import java.util.Set;

/**
 * The executor is told once about each loss of a sequence's KV, between two steps: so its own state
 * of a sequence lives exactly as long as the KV.
 */
final class Release extends Checker {
  private final Set<Long> held = new HashSet<>();

  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    for (SequenceStep step : batch.sequences()) {
      boolean first = held.add(step.sequenceId());
      if (first != (step.startPosition() == 0)) {
        fail(
            "sequence %d starts at position %d, and its KV was %s",
            step.sequenceId(), step.startPosition(), first ? "released" : "not released");
      }
    }
  }

  @Override
  void released(long sequenceId, boolean busy) {
    if (busy) {
      fail("sequence %d was released during a step", sequenceId);
    }
    if (!held.remove(sequenceId)) {
      fail("sequence %d was released, and has no KV", sequenceId);
    }
  }

  @Override
  void over(Scenario scenario) {
    boolean regular = !scenario.stoppedShort() && scenario.ledger().snapshot().healthy();
    if (regular && !held.isEmpty()) {
      fail("sequences %s were not released", held);
    }
  }
}
