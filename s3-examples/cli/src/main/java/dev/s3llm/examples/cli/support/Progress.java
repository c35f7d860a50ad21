package dev.s3llm.examples.cli.support;

import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Ansi;

/** A progress bar on a terminal; nothing where the output is redirected. */
public final class Progress implements AutoCloseable {
  private final @Nullable ProgressBar bar;

  private Progress(@Nullable ProgressBar bar) {
    this.bar = bar;
  }

  /**
   * Starts a bar.
   *
   * @param task the bar's label
   * @param total steps of the whole task
   * @return the bar; one that shows nothing where there is no terminal
   */
  public static Progress of(String task, int total) {
    return Ansi.AUTO.enabled()
        ? new Progress(new ProgressBarBuilder().setTaskName(task).setInitialMax(total).build())
        : none();
  }

  /**
   * Returns a bar that shows nothing.
   *
   * @return the bar
   */
  public static Progress none() {
    return new Progress(null);
  }

  /** Counts one step. */
  public void step() {
    if (bar != null) {
      bar.step();
    }
  }

  /** Ends the bar. */
  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
