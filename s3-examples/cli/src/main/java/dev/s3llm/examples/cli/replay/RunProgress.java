package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.support.Progress;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.simulate.RequestOutcome;
import dev.s3llm.simulate.SimulationListener;

/** Counts the requests of a simulation on a progress bar, and passes all calls on to a listener. */
final class RunProgress implements SimulationListener, AutoCloseable {
  private final Progress progress;
  private final SimulationListener listener;

  RunProgress(String task, int requests, SimulationListener listener) {
    this.progress = Progress.of(task, requests);
    this.listener = listener;
  }

  @Override
  public void onEvent(EngineEvent event) {
    listener.onEvent(event);
  }

  @Override
  public void onInterval(long fromNanos, long toNanos, EngineSnapshot state) {
    listener.onInterval(fromNanos, toNanos, state);
  }

  @Override
  public void onEnd(RequestOutcome outcome) {
    listener.onEnd(outcome);
    progress.step();
  }

  @Override
  public void close() {
    progress.close();
  }
}
