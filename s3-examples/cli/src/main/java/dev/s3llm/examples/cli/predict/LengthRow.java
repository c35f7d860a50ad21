package dev.s3llm.examples.cli.predict;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.UsageException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * A prompt and the length of its answer.
 *
 * @param prompt the prompt
 * @param kind the kind of the prompt, empty if the row has none
 * @param outputTokens tokens of the answer, at least 1
 */
record LengthRow(String prompt, String kind, int outputTokens) {
  private static final int MAX_ROWS = 100_000;

  /**
   * Reads and checks a whole file of JSON lines.
   *
   * @param file the file, with the fields {@code prompt}, {@code output_tokens} and, optionally,
   *     {@code kind}
   * @return the rows, shuffled the same way each time
   * @throws UsageException if the file cannot be read, or a row is wrong
   */
  static List<LengthRow> read(Path file) {
    List<LengthRow> rows = new ArrayList<>();
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (!line.isBlank()) {
          rows.add(parse("--evaluate: %s line %d".formatted(file, number), line));
        }
        if (rows.size() > MAX_ROWS) {
          throw new UsageException(
              "--evaluate: %s has more than %d rows".formatted(file, MAX_ROWS));
        }
      }
    } catch (IOException e) {
      throw new UsageException("--evaluate: " + file + " cannot be read as UTF-8 text: " + e);
    }
    if (rows.size() < 10) {
      throw new UsageException(
          "--evaluate: %s has %d rows; at least 10 are needed".formatted(file, rows.size()));
    }
    Collections.shuffle(rows, new Random(1)); // because files are often sorted by kind of prompt
    return rows;
  }

  private static LengthRow parse(String where, String line) {
    JsonNode json = Json.parse(where, line);
    JsonNode prompt = json.path("prompt");
    JsonNode tokens = json.path("output_tokens");
    if (!prompt.isTextual()) {
      throw new UsageException(where + ": prompt must be a text");
    }
    if (!tokens.isIntegralNumber() || !tokens.canConvertToInt() || tokens.intValue() < 1) {
      throw new UsageException(
          "%s: output_tokens must be an integer of at least 1, but is %s"
              .formatted(where, tokens.isMissingNode() ? "missing" : tokens));
    }
    return new LengthRow(prompt.asText(), json.path("kind").asText(""), tokens.intValue());
  }
}
