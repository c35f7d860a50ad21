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
  private final boolean sharing;
  private final int blockTokens;

  /**
   * Creates the checker.
   *
   * @param setting says whether a sequence may begin with blocks of others
   */
  Release(Setting setting) {
    sharing = setting.sharing().enabled();
    blockTokens = setting.profile().blockTokens();
  }

  @Override
  void launched(StepBatch batch, boolean busy, boolean closed) {
    for (SequenceStep step : batch.sequences()) {
      boolean first = held.add(step.sequenceId());
      boolean shared = first && sharing && step.startPosition() % blockTokens == 0;
      if (first != (step.startPosition() == 0) && !shared) {
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
