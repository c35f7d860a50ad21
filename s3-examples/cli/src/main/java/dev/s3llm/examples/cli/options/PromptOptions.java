package dev.s3llm.examples.cli.options;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.simulate.Trace;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The prompts of a command: its arguments, the JSON lines of a file, or the embedded ones. The
 * whole file is checked before anything runs.
 */
public final class PromptOptions {
  private static final long MAX_BYTES = 256L << 20;

  @Parameters(paramLabel = "PROMPT", description = "prompts to answer")
  private List<String> arguments = new ArrayList<>();

  @Option(
      names = "--prompts",
      paramLabel = "FILE",
      description =
          "JSON lines with id and prompt, and optionally limit, priority, deadline_s, tenant and"
              + " cancelled_s, as in a trace")
  private @Nullable Path file;

  /** Created by a command; picocli sets the fields. */
  public PromptOptions() {}

  /** Returns whether the user named prompts, so that the embedded ones are not used. */
  public boolean given() {
    return file != null || !arguments.isEmpty();
  }

  /**
   * Returns the prompts.
   *
   * @return at least one prompt
   * @throws UsageException if there are both arguments and a file, or if one of them is wrong
   */
  public List<Prompt> prompts() {
    if (file != null && !arguments.isEmpty()) {
      throw new UsageException("give prompts as arguments or with --prompts, not both");
    }
    if (file != null) {
      return read(file);
    }
    return arguments.isEmpty()
        ? parse("embedded prompts", SmallModel.promptsJsonl())
        : ofArguments();
  }

  private List<Prompt> ofArguments() {
    List<Prompt> prompts = new ArrayList<>();
    for (String argument : arguments) {
      if (argument.isBlank()) {
        throw new UsageException("PROMPT %d is empty".formatted(prompts.size() + 1));
      }
      prompts.add(new Prompt("p" + prompts.size(), argument));
    }
    return prompts;
  }

  private static List<Prompt> read(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new UsageException("--prompts: " + file + " is no file");
      }
      if (Files.size(file) > MAX_BYTES) {
        throw new UsageException(
            "--prompts: %s has %d bytes, the limit is %d"
                .formatted(file, Files.size(file), MAX_BYTES));
      }
      return parse(file.toString(), Files.readString(file));
    } catch (IOException e) {
      throw new UsageException("--prompts: " + file + " cannot be read as UTF-8 text: " + e);
    }
  }

  private static List<Prompt> parse(String source, String jsonl) {
    List<Prompt> prompts = new ArrayList<>();
    Set<String> ids = new HashSet<>();
    int number = 0;
    for (String line : jsonl.lines().toList()) {
      number++;
      if (!line.isBlank()) {
        Prompt prompt = parseLine(source + " line " + number, line);
        if (!ids.add(prompt.id())) {
          throw new UsageException(
              "%s line %d: id %s was used before".formatted(source, number, prompt.id()));
        }
        prompts.add(prompt);
      }
    }
    if (prompts.isEmpty()) {
      throw new UsageException(source + " holds no prompts");
    }
    return prompts;
  }

  private static Prompt parseLine(String where, String line) {
    JsonNode json = Json.parse(where, line);
    return new Prompt(text(where, json, "id"), text(where, json, "prompt"), terms(where, json));
  }

  private static Trace.Terms terms(String where, JsonNode json) {
    try {
      return new Trace.Terms(
          (int) number(where, json, "limit", 0, Integer.MAX_VALUE),
          (int) number(where, json, "priority", 0, Integer.MAX_VALUE),
          nanos(where, json, "deadline_s"),
          json.path("tenant").asText(""),
          nanos(where, json, "cancelled_s"));
    } catch (IllegalArgumentException e) {
      throw new UsageException(where + ": " + e.getMessage());
    }
  }

  private static long nanos(String where, JsonNode json, String field) {
    double seconds = number(where, json, field, Double.POSITIVE_INFINITY, 1e9);
    return Double.isInfinite(seconds) ? Long.MAX_VALUE : Math.round(seconds * 1e9);
  }

  private static double number(
      String where, JsonNode json, String field, double missing, double most) {
    JsonNode value = json.path(field);
    if (value.isMissingNode() || value.isNull()) {
      return missing;
    }
    if (!value.isNumber() || Math.abs(value.doubleValue()) > most) {
      throw new UsageException(
          "%s: %s must be a number of at most %.0f, but is %s"
              .formatted(where, field, most, value));
    }
    return value.doubleValue();
  }

  private static String text(String where, JsonNode json, String field) {
    JsonNode value = json.path(field);
    if (!value.isTextual() || value.asText().isBlank()) {
      throw new UsageException(
          "%s: %s must be a text that is not empty, but is %s"
              .formatted(where, field, value.isMissingNode() ? "missing" : value));
    }
    return value.asText();
  }
}
