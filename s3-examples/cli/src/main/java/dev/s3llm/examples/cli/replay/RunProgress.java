package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.support.Progress;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationResult;

/** Counts the requests of a simulation on a progress bar, and passes all calls on to a listener. */
final class RunProgress implements Simulation.Listener, AutoCloseable {
  private final Progress progress;
  private final Simulation.Listener listener;

  RunProgress(String task, int requests, Simulation.Listener listener) {
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
  public void onEnd(SimulationResult.RequestOutcome outcome) {
    listener.onEnd(outcome);
    progress.step();
  }

  @Override
  public void close() {
    progress.close();
  }
}
