package dev.s3llm.examples.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Measures real steps on a GPU, of models with random weights, and what lasting load leaves. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    subcommands = {StepBenchCommand.class, ServeBenchCommand.class, SoakCommand.class},
    description = "Measures decode steps or serving on a GPU, or soaks an engine.")
final class BenchCommand implements Runnable {
  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  BenchCommand() {}

  @Override
  public void run() {
    spec.commandLine().usage(spec.commandLine().getOut());
  }
}
