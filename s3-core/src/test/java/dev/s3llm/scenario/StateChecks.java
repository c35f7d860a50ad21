package dev.s3llm.scenario;

import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.loop.Ledger;
import java.util.List;

/** The checkers that need only a loop's state, for tests that step a loop themselves. */
public final class StateChecks {
  private StateChecks() {}

  /** Checks the state of a loop between two passes. */
  public static void assertValid(EngineLoop loop) {
    Ledger ledger = new Ledger(loop);
    Checker.Seen seen = new Checker.Seen(0, 0, ledger, ledger.live(), ledger.snapshot());
    List.of(
            new Conservation(),
            new Ownership(ledger.blockTokens()),
            new OnePlace(),
            new SnapshotTruth())
        .forEach(checker -> checker.passed(seen));
  }
}
