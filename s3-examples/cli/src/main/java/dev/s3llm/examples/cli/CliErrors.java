package dev.s3llm.examples.cli;

import dev.s3llm.examples.cli.support.UsageException;
import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/**
 * Turns failures into one line on the error stream and an exit code: 2 for mistakes that the user
 * can correct, 1 for all other failures.
 */
final class CliErrors {
  private static final String PREFIX = "s3-cli: ";

  private CliErrors() {}

  /** Sets the handlers on a command line and its subcommands. */
  static CommandLine install(CommandLine commandLine) {
    return commandLine
        .setParameterExceptionHandler(CliErrors::onBadParameter)
        .setExecutionExceptionHandler(CliErrors::onFailure);
  }

  private static int onBadParameter(ParameterException e, String[] args) {
    print(e.getCommandLine(), message(e));
    return ExitCode.USAGE;
  }

  private static int onFailure(Exception e, CommandLine commandLine, ParseResult result) {
    if (e instanceof IllegalArgumentException || e instanceof UsageException) {
      print(commandLine, message(e));
      return ExitCode.USAGE;
    }
    print(commandLine, e.toString());
    return ExitCode.SOFTWARE;
  }

  private static String message(Exception e) {
    String message = e.getMessage();
    return message == null ? e.toString() : message;
  }

  private static void print(CommandLine commandLine, String message) {
    commandLine.getErr().println(PREFIX + message.replaceAll("\\R", " "));
    commandLine.getErr().flush();
  }
}
