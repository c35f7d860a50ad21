package dev.s3llm.examples.cli.template;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.text.ChatTemplateException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Renders the rows of a file, each with the template that it brings. */
final class TemplateCases {
  private static final String ID = "id";
  private static final String ERROR = "error";

  private final List<ObjectNode> results = new ArrayList<>();
  private int errors;

  /**
   * Renders all rows of a file of JSON lines. A row that is wrong has an error as its result.
   *
   * @param file the file, in UTF-8
   * @throws UsageException if the file cannot be read
   */
  static TemplateCases run(Path file) {
    TemplateCases cases = new TemplateCases();
    // a stream reader replaces what is no UTF-8, so that one bad row does not end the run
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (!line.isBlank()) {
          cases.render(number, line);
        }
      }
    } catch (IOException e) {
      throw new UsageException("--cases: " + file + " cannot be read: " + e);
    }
    return cases;
  }

  private void render(int number, String line) {
    ObjectNode result = Json.object().put(ID, number);
    results.add(result);
    try {
      JsonNode row = Json.parse("line " + number, line);
      if (row.has(ID)) {
        result.set(ID, row.get(ID));
      }
      result.put("text", new TemplateInput(row).renderOwnTemplate());
    } catch (UsageException | ChatTemplateException | IllegalArgumentException e) {
      errors++;
      result.put(ERROR, String.valueOf(e.getMessage()));
    }
  }

  /**
   * Returns a result for each row: {@code id} (by default the line) and {@code text} or {@code
   * error}.
   */
  List<ObjectNode> results() {
    return results;
  }

  /** Returns the number of rows with an error. */
  int errors() {
    return errors;
  }
}
