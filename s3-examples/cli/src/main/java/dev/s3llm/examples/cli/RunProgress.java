package dev.s3llm.examples.cli;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.simulate.RequestOutcome;
import dev.s3llm.simulate.SimulationListener;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Ansi;

/** Shows how far a simulation is, on a terminal only, and passes on what it hears. */
final class RunProgress implements SimulationListener, AutoCloseable {
  private final @Nullable ProgressBar bar;
  private final SimulationListener watcher;

  private RunProgress(@Nullable ProgressBar bar, SimulationListener watcher) {
    this.bar = bar;
    this.watcher = watcher;
  }

  static RunProgress of(String task, int requests, SimulationListener watcher) {
    ProgressBar bar =
        Ansi.AUTO.enabled()
            ? new ProgressBarBuilder().setTaskName(task).setInitialMax(requests).build()
            : null;
    return new RunProgress(bar, watcher);
  }

  @Override
  public void onEvent(EngineEvent event) {
    watcher.onEvent(event);
  }

  @Override
  public void onInterval(long fromNanos, long toNanos, EngineSnapshot state) {
    watcher.onInterval(fromNanos, toNanos, state);
  }

  @Override
  public void onEnd(RequestOutcome outcome) {
    watcher.onEnd(outcome);
    if (bar != null) {
      bar.step();
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
