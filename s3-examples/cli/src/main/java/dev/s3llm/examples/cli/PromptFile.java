package dev.s3llm.examples.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.s3llm.examples.model.SmallModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads prompts from JSON lines. The whole file is checked before anything runs. */
final class PromptFile {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final long MAX_BYTES = 256L << 20;

  private PromptFile() {}

  /** One prompt. */
  record Prompt(String id, String text) {}

  /** The prompts of a file, or those given as arguments, or else the embedded ones. */
  static List<Prompt> choose(@Nullable Path file, List<String> arguments) {
    if (file != null && !arguments.isEmpty()) {
      throw new UsageException("give prompts as arguments or with --prompts, not both");
    }
    if (file != null) {
      return read(file);
    }
    if (arguments.isEmpty()) {
      return parse("embedded prompts", SmallModel.promptsJsonl());
    }
    List<Prompt> prompts = new ArrayList<>();
    for (String argument : arguments) {
      if (argument.isBlank()) {
        throw new UsageException("PROMPT %d is empty".formatted(prompts.size() + 1));
      }
      prompts.add(new Prompt("p" + prompts.size(), argument));
    }
    return prompts;
  }

  static List<Prompt> read(Path file) {
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

  static List<Prompt> parse(String source, String jsonl) {
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
    JsonNode json;
    try {
      json = MAPPER.readTree(line);
    } catch (JsonProcessingException e) {
      throw new UsageException(where + " is not valid JSON: " + e.getOriginalMessage());
    }
    return new Prompt(text(where, json, "id"), text(where, json, "prompt"));
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
