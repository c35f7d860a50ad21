package dev.s3llm.scenario;

import dev.s3llm.engine.loop.Ledger;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import java.util.List;

/**
 * Holds one promise of the engine against what can be seen of it: what the executor was given, what
 * clients received, events, snapshots, the ledger. Its name is the class's, without the ending;
 * numbers in its Javadoc are those of the engine's invariants.
 */
abstract class Checker {
  private Checkers all;

  void joins(Checkers checkers) {
    all = checkers;
  }

  /** The name that a violation carries. */
  final String name() {
    return getClass().getSimpleName();
  }

  /** Notes a violation; never returns. */
  final Violation fail(String what, Object... arguments) {
    Violation violation = new Violation(name(), what.formatted(arguments));
    throw all == null ? violation : all.violated(violation);
  }

  /**
   * What can be seen after a pass.
   *
   * @param now the clock when the pass began
   * @param pass its number
   * @param live what the ledger holds
   */
  record Seen(
      long now, int pass, Ledger ledger, List<Ledger.Entry> live, EngineSnapshot snapshot) {}

  /** A request was accepted. */
  void submitted(Client client) {}

  /** The engine told of something. */
  void event(EngineEvent event) {}

  /**
   * The executor was given a step.
   *
   * @param busy whether another one was in flight
   * @param closed whether it had been closed
   */
  void launched(StepBatch batch, boolean busy, boolean closed) {}

  /** A step is about to complete: the executor reads its batch for the last time. */
  void completing(StepBatch batch) {}

  /**
   * A step completes.
   *
   * @param index of the sequence that fails, if one does
   */
  void completed(StepBatch batch, Completion completion, int index) {}

  /** The executor told once more of a step that is over. */
  void repeated() {}

  /** Something failed that the engine cannot go on without. */
  void engineLost() {}

  /** A pass was made. */
  void passed(Seen seen) {}

  /** The loop sleeps, and nothing has woken it. */
  void asleep(long now) {}

  /** A subscriber got a token. */
  void token(Client client, int token) {}

  /** A subscriber was told the end. */
  void streamEnded(Client client, Throwable error) {}

  /** A result came. */
  void result(Client client) {}

  /**
   * The executor was closed.
   *
   * @param times how often by now
   * @param busy whether a step was in flight
   */
  void executorClosed(int times, boolean busy) {}

  /** {@code close} or {@code closeNow} has returned after so long. */
  void closed(long nanos) {}

  /** The scenario is over: the engine is closed and everything was delivered. */
  void over(Scenario scenario) {}
}
