package dev.s3llm.examples.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine;

/** Runs commands in this JVM and keeps what they print. */
public abstract class CommandTest {
  /** The standard output of all runs. */
  protected final StringWriter out = new StringWriter();

  /** The error output of all runs. */
  protected final StringWriter err = new StringWriter();

  /** Runs a command and returns its exit code. */
  protected final int run(String... arguments) {
    return execute(Main.commandLine(), List.of(arguments));
  }

  /** Runs a command with some arguments and options; a later option replaces an earlier one. */
  protected final int run(List<String> arguments, String... options) {
    List<String> all = new ArrayList<>(arguments);
    all.addAll(List.of(options));
    return execute(Main.commandLine().setOverwrittenOptionsAllowed(true), all);
  }

  private int execute(CommandLine commandLine, List<String> arguments) {
    return commandLine
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(arguments.toArray(String[]::new));
  }
}
