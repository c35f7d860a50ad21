package dev.s3llm.examples.cli;

import dev.s3llm.examples.cli.bench.LoadBenchCommand;
import dev.s3llm.examples.cli.bench.PrefixBenchCommand;
import dev.s3llm.examples.cli.bench.ServeBenchCommand;
import dev.s3llm.examples.cli.bench.StepBenchCommand;
import dev.s3llm.examples.cli.soak.SoakCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Groups the benchmarks. */
@Command(
    name = "bench",
    mixinStandardHelpOptions = true,
    subcommands = {
      StepBenchCommand.class,
      ServeBenchCommand.class,
      PrefixBenchCommand.class,
      LoadBenchCommand.class,
      SoakCommand.class
    },
    description = "Measures loading, decode steps or serving on a GPU, or soaks an engine.")
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
