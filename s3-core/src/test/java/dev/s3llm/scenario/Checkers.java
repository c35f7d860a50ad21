package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.testkit.HandRunner;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** All checkers of a scenario. Keeps the first violation, even if the engine catches it. */
final class Checkers {
  private final List<Checker> checkers;
  private Violation first;

  /**
   * Creates all checkers.
   *
   * @param setting the parts of the scenario
   * @param clients the clients by request id; a live view
   * @param runner gives access to the runner, which is made later
   */
  Checkers(Setting setting, Map<String, Client> clients, RunnerView runner) {
    this.checkers =
        List.of(
            new Conservation(),
            new Ownership(setting.profile().blockTokens()),
            new Isolation(clients, setting.profile().blockTokens()),
            new Reservation(setting.profile()),
            new Fence(runner),
            new OnePlace(),
            new Progress(),
            new TerminalOnce(),
            new StreamIntegrity(),
            new Transparency(setting.decoding()),
            new Constraints(clients),
            new Cancellation(clients),
            new Deadlines(clients),
            new Containment(clients, runner),
            new LateCompletions(runner),
            new PreemptionBound(clients, setting),
            new StarvationBound(clients, setting),
            new SnapshotTruth(),
            new Shutdown(),
            new Release(setting));
    checkers.forEach(checker -> checker.attachTo(this));
  }

  /** Access to the runner of the loop. */
  interface RunnerView {
    HandRunner runner();
  }

  /**
   * Records a violation, of which the first is kept: the engine may catch what a callback throws.
   */
  Violation violated(Violation violation) {
    if (first == null) {
      first = violation;
    }
    return violation;
  }

  /** Throws the first violation, if there was one. */
  void rethrow() {
    if (first != null) {
      throw first;
    }
  }

  private void each(Consumer<Checker> call) {
    for (Checker checker : checkers) {
      call.accept(checker);
    }
  }

  void submitted(Client client) {
    each(c -> c.submitted(client));
  }

  void event(EngineEvent event) {
    each(c -> c.event(event));
  }

  void launched(StepBatch batch, boolean busy, boolean closed) {
    each(c -> c.launched(batch, busy, closed));
  }

  void completing(StepBatch batch) {
    each(c -> c.completing(batch));
  }

  void completed(StepBatch batch, Completion completion, int index) {
    each(c -> c.completed(batch, completion, index));
  }

  void released(long sequenceId, boolean busy) {
    each(c -> c.released(sequenceId, busy));
  }

  void repeated() {
    each(Checker::repeated);
  }

  void engineLost() {
    each(Checker::engineLost);
  }

  void passed(long now, int pass, Ledger ledger) {
    Checker.Seen seen = new Checker.Seen(now, pass, ledger, ledger.live(), ledger.snapshot());
    each(c -> c.passed(seen));
  }

  void asleep(long now) {
    each(c -> c.asleep(now));
  }

  void token(Client client, int token) {
    each(c -> c.token(client, token));
  }

  void streamEnded(Client client, Throwable error) {
    each(c -> c.streamEnded(client, error));
  }

  void result(Client client) {
    each(c -> c.result(client));
  }

  void executorClosed(int times, boolean busy) {
    each(c -> c.executorClosed(times, busy));
  }

  void closed(long nanos) {
    each(c -> c.closed(nanos));
  }

  void over(Scenario scenario) {
    each(c -> c.over(scenario));
  }
}
