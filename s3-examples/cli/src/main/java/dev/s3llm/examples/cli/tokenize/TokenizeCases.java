package dev.s3llm.examples.cli.tokenize;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.model.ModelFormatException;
import dev.s3llm.text.internal.tokenizer.TextTokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Encodes the texts of a file's rows and decodes the tokens again. */
final class TokenizeCases {
  private static final String ID = "id";
  private static final String TEXT = "text";
  private static final String SPECIAL = "special";

  private final TextTokenizer tokenizer;
  private final List<ObjectNode> results = new ArrayList<>();
  private int errors;

  private TokenizeCases(TextTokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Encodes all rows of a file of JSON lines. A row that is wrong has an error as its result.
   *
   * @param tokenizer encodes the texts
   * @param file the file, in UTF-8
   * @throws UsageException if the file cannot be read
   */
  static TokenizeCases run(TextTokenizer tokenizer, Path file) {
    TokenizeCases cases = new TokenizeCases(tokenizer);
    // a stream reader replaces what is no UTF-8, so that one bad row does not end the run
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (!line.isBlank()) {
          cases.add(number, line);
        }
      }
    } catch (IOException e) {
      throw new UsageException("--cases: " + file + " cannot be read: " + e);
    }
    return cases;
  }

  private void add(int number, String line) {
    ObjectNode result = Json.object().put(ID, number);
    results.add(result);
    try {
      JsonNode row = Json.parse("line " + number, line);
      if (row.has(ID)) {
        result.set(ID, row.get(ID));
      }
      int[] tokens = encode(row);
      String decoded = tokenizer.decode(tokens);
      ArrayNode ids = result.putArray("tokens");
      for (int token : tokens) {
        ids.add(token);
      }
      result.put("decoded", decoded);
    } catch (UsageException | IllegalArgumentException | ModelFormatException e) {
      errors++;
      result.put("error", String.valueOf(e.getMessage()));
    }
  }

  private int[] encode(JsonNode row) {
    JsonNode text = row.path(TEXT);
    JsonNode special = row.path(SPECIAL);
    if (!text.isTextual()) {
      throw new UsageException("text must be a text");
    }
    if (!special.isMissingNode() && !special.isBoolean()) {
      throw new UsageException("special must be true or false, but is " + special);
    }
    return special.asBoolean()
        ? tokenizer.encode(text.asText(), false)
        : tokenizer.encodeText(text.asText(), false);
  }

  /**
   * Returns a result for each row: {@code id} (by default the line), and {@code tokens} and {@code
   * decoded}, or {@code error}.
   */
  List<ObjectNode> results() {
    return results;
  }

  /** Returns the number of rows with an error. */
  int errors() {
    return errors;
  }
}
