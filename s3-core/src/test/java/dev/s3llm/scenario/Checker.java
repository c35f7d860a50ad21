package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import java.util.List;

/**
 * A check of one guarantee of the engine against what can be observed: batches, deliveries to
 * clients, events, snapshots, the ledger. Its name is the simple name of its class. The numbers in
 * its Javadoc are those of the engine's invariants. Each method is called when something has
 * happened.
 */
abstract class Checker {
  private Checkers all;

  void attachTo(Checkers checkers) {
    all = checkers;
  }

  /** Returns the name of the checker, for violations. */
  final String name() {
    return getClass().getSimpleName();
  }

  /** Throws a violation; never returns. */
  final Violation fail(String what, Object... arguments) {
    Violation violation = new Violation(name(), what.formatted(arguments));
    throw all == null ? violation : all.violated(violation);
  }

  /**
   * The state after a pass.
   *
   * @param now the time at which the pass began
   * @param pass number of the pass
   * @param ledger the loop's state
   * @param live the live requests
   * @param snapshot the snapshot
   */
  record Seen(
      long now, int pass, Ledger ledger, List<Ledger.Entry> live, EngineSnapshot snapshot) {}

  /** A request was accepted. */
  void submitted(Client client) {}

  /** The engine has published an event. */
  void event(EngineEvent event) {}

  /**
   * The executor has received a step.
   *
   * @param batch the step
   * @param busy whether another step was in flight
   * @param closed whether the executor was closed
   */
  void launched(StepBatch batch, boolean busy, boolean closed) {}

  /** A step is about to complete, and the executor reads its batch for the last time. */
  void completing(StepBatch batch) {}

  /**
   * A step completes.
   *
   * @param batch the step
   * @param completion what it must do to its requests
   * @param index index of the sequence that fails, if one does
   */
  void completed(StepBatch batch, Completion completion, int index) {}

  /**
   * The executor was told that a sequence has lost its KV.
   *
   * @param sequenceId id of the sequence
   * @param busy whether a step was in flight
   */
  void released(long sequenceId, boolean busy) {}

  /** The executor has completed a step that was complete. */
  void repeated() {}

  /** A part has failed without which the engine cannot continue. */
  void engineLost() {}

  /** A pass has ended. */
  void passed(Seen seen) {}

  /** The loop sleeps at this time, and nothing has woken it. */
  void asleep(long now) {}

  /** A subscriber has received a token. */
  void token(Client client, int token) {}

  /** A subscriber has received the end; the error is null if there is none. */
  void streamEnded(Client client, Throwable error) {}

  /** A result is complete. */
  void result(Client client) {}

  /**
   * The executor was closed.
   *
   * @param times how often it was closed so far
   * @param busy whether a step was in flight
   */
  void executorClosed(int times, boolean busy) {}

  /** {@code close} or {@code closeNow} has returned, after this time. */
  void closed(long nanos) {}

  /** The scenario is over: the engine is closed and everything was delivered. */
  void over(Scenario scenario) {}
}
