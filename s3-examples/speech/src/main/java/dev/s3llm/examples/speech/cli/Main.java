package dev.s3llm.examples.speech.cli;

import dev.s3llm.examples.speech.audio.AudioFormatException;
import dev.s3llm.model.ModelFormatException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** Entry point of the speech example. */
@Command(
    name = "s3-speech",
    mixinStandardHelpOptions = true,
    versionProvider = Main.ManifestVersion.class,
    subcommands = {
      TranscribeCommand.class,
      EvaluateCommand.class,
      BenchCommand.class,
      LoadCommand.class
    },
    description = "Speech to text by masked decoding, on the engine of S3 for Java.")
public final class Main implements Runnable {

  /**
   * Runs the command line and exits with its code.
   *
   * @param args see {@code --help}
   */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  /**
   * Returns the command line with all commands. A failure becomes one line on the error stream and
   * an exit code: 2 for mistakes that the user can correct, 1 for all other failures.
   */
  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setParameterExceptionHandler(Main::onBadParameter)
        .setExecutionExceptionHandler(Main::onFailure);
  }

  private static int onBadParameter(ParameterException e, String[] args) {
    return print(e.getCommandLine(), String.valueOf(e.getMessage()), ExitCode.USAGE);
  }

  private static int onFailure(Exception e, CommandLine commandLine, ParseResult result) {
    if (e instanceof UsageException
        || e instanceof AudioFormatException
        || e instanceof ModelFormatException) {
      return print(commandLine, String.valueOf(e.getMessage()), ExitCode.USAGE);
    }
    return print(commandLine, e.toString(), ExitCode.SOFTWARE);
  }

  private static int print(CommandLine commandLine, String message, int code) {
    commandLine.getErr().println("s3-speech: " + message.replaceAll("\\R", " "));
    commandLine.getErr().flush();
    return code;
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
      return new String[] {"s3-speech " + (version == null ? "development build" : version)};
    }
  }
}
