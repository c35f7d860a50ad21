package dev.s3llm.examples.cli.options;

import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.OutputFile;
import dev.s3llm.examples.cli.support.UsageException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The option {@code --json} of the benchmarks: a file that also gets the figures. */
public final class JsonOption {
  @Option(names = "--json", paramLabel = "FILE", description = "write the figures here as well")
  private @Nullable String value;

  private @Nullable OutputFile file;

  /** Created by a command; picocli sets the field. */
  public JsonOption() {}

  /**
   * Checks the option before the work begins.
   *
   * @throws UsageException if the file cannot be written
   */
  public void check() {
    file = OutputFile.checked("--json", value);
  }

  /**
   * Writes the figures if the user gave the option and {@link #check} was called.
   *
   * @param figures records or collections of them
   * @throws UsageException if the file cannot be written
   */
  public void write(Object figures) {
    if (file != null) {
      file.write(Json.pretty(figures));
    }
  }
}
