package dev.s3llm.examples.cli;

import dev.s3llm.examples.cli.capacity.CapacityCommand;
import dev.s3llm.examples.cli.devices.DevicesCommand;
import dev.s3llm.examples.cli.generate.GenerateCommand;
import dev.s3llm.examples.cli.generate.RecordCommand;
import dev.s3llm.examples.cli.inspect.InspectCommand;
import dev.s3llm.examples.cli.predict.PredictCommand;
import dev.s3llm.examples.cli.replay.ReplayCommand;
import dev.s3llm.examples.cli.score.ScoreCommand;
import dev.s3llm.examples.cli.template.TemplateCommand;
import dev.s3llm.examples.cli.tokenize.TokenizeCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** Entry point of the command line example. */
@Command(
    name = "s3-cli",
    mixinStandardHelpOptions = true,
    versionProvider = Main.ManifestVersion.class,
    subcommands = {
      GenerateCommand.class,
      PredictCommand.class,
      RecordCommand.class,
      ReplayCommand.class,
      CapacityCommand.class,
      BenchCommand.class,
      DevicesCommand.class,
      InspectCommand.class,
      ScoreCommand.class,
      TemplateCommand.class,
      TokenizeCommand.class
    },
    description = "Runs S3 for Java from the command line.")
public final class Main implements Runnable {

  /**
   * Runs the command line and exits with its code.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  /** Returns the command line with all commands and their error handling. */
  static CommandLine commandLine() {
    return CliErrors.install(new CommandLine(new Main()));
  }

  @Override
  public void run() {
    CommandLine.usage(this, System.out);
  }

  /** Reads the version from the jar's manifest. */
  static final class ManifestVersion implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"s3-cli " + (version == null ? "development build" : version)};
    }
  }
}
