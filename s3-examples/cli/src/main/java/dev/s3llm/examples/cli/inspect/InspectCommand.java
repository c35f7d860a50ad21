package dev.s3llm.examples.cli.inspect;

import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.OutputFile;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Prints whether models can be run, and why not. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = {
      "Prints whether models can be run, and if not, why. Runs the checks of loading",
      "and reads no weights but their headers; config.json alone is enough."
    })
public final class InspectCommand implements Callable<Integer> {
  @Parameters(paramLabel = "PATH", arity = "1..*", description = "model folders or .gguf files")
  private List<String> paths = new ArrayList<>();

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description =
          "write JSON lines with path, supported, family, parameters, weight_format, bytes and"
              + " reason")
  private @Nullable String json;

  @Spec private CommandSpec spec;

  /** Created by picocli, which sets the fields. */
  @SuppressWarnings("NullAway.Init")
  InspectCommand() {}

  @Override
  public Integer call() {
    OutputFile output = OutputFile.checked("--json", json);
    List<Inspection> rows = paths.stream().map(Inspector::inspect).toList();
    if (output != null) {
      output.write(rows.stream().map(row -> Json.line(row) + "\n").collect(Collectors.joining()));
    }
    PrintWriter out = spec.commandLine().getOut();
    rows.forEach(row -> print(out, row));
    out.flush();
    return 0;
  }

  private static void print(PrintWriter out, Inspection row) {
    List<String> facts = new ArrayList<>();
    facts.add(row.supported() ? "runs" : "does not run");
    add(facts, row.family());
    Long parameters = row.parameters();
    add(facts, parameters == null ? null : count(parameters) + " parameters");
    add(facts, row.weightFormat());
    Long bytes = row.bytes();
    add(facts, bytes == null ? null : count(bytes) + "B");
    out.printf("%s: %s%n", row.path(), String.join(", ", facts));
    if (row.reason() != null) {
      out.printf("  %s%n", row.reason());
    }
  }

  private static void add(List<String> facts, @Nullable String fact) {
    if (fact != null) {
      facts.add(fact);
    }
  }

  /** Returns a number with three digits and a decimal prefix, such as 135 M. */
  private static String count(long number) {
    double value = number;
    String unit = "";
    for (String next : List.of("k", "M", "G", "T")) {
      if (value >= 999.5) {
        value /= 1000;
        unit = next;
      }
    }
    return String.format(
        Locale.ROOT,
        value < 9.995 ? "%.2f %s" : value < 99.95 ? "%.1f %s" : "%.0f %s",
        value,
        unit);
  }
}
