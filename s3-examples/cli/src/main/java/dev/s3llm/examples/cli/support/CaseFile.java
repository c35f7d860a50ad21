package dev.s3llm.examples.cli.support;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * A file of JSON lines whose rows are answered one by one: each has a result with the row's {@code
 * id}, or else the number of its line. A row that is wrong has an {@code error} as its result, and
 * does not end the run.
 */
public final class CaseFile {
  private static final String ID = "id";

  private final List<ObjectNode> results = new ArrayList<>();
  private int errors;

  private CaseFile() {}

  /** Answers one row. */
  @FunctionalInterface
  public interface Answerer {
    /**
     * Adds the answer to the result.
     *
     * @param row a row of the file
     * @param result the row's result, which has its id
     * @throws UsageException if the row is wrong
     * @throws IllegalArgumentException if a value of the row is out of range
     */
    void answer(JsonNode row, ObjectNode result);
  }

  /**
   * Checks that a file is there, before the work that its rows need.
   *
   * @param option the option that names the file
   * @param file the file
   * @throws UsageException if it is no file
   */
  public static void requireFile(String option, Path file) {
    if (!Files.isRegularFile(file)) {
      throw new UsageException(option + ": " + file + " is no file");
    }
  }

  /**
   * Answers all rows of a file.
   *
   * @param option the option that names the file
   * @param file the file, in UTF-8
   * @param answerer answers each row
   * @return the results
   * @throws UsageException if the file cannot be read
   */
  public static CaseFile answer(String option, Path file, Answerer answerer) {
    requireFile(option, file);
    CaseFile cases = new CaseFile();
    // a stream reader replaces what is no UTF-8, so that one bad row does not end the run
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      int number = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        number++;
        if (!line.isBlank()) {
          cases.answer(number, line, answerer);
        }
      }
    } catch (IOException e) {
      throw new UsageException(option + ": " + file + " cannot be read: " + e);
    }
    return cases;
  }

  private void answer(int number, String line, Answerer answerer) {
    ObjectNode result = Json.object().put(ID, number);
    try {
      JsonNode row = Json.parse("line " + number, line);
      if (row.has(ID)) {
        result.set(ID, row.get(ID));
      }
      answerer.answer(row, result);
    } catch (UsageException | IllegalArgumentException e) {
      errors++;
      result.retain(ID).put("error", String.valueOf(e.getMessage()));
    }
    results.add(result);
  }

  /**
   * Returns a text of a row.
   *
   * @param row the row
   * @param field name of the field
   * @return its text
   * @throws UsageException if the field is missing or no text
   */
  public static String text(JsonNode row, String field) {
    JsonNode value = row.path(field);
    if (!value.isTextual()) {
      throw new UsageException(
          "%s must be a text, but is %s"
              .formatted(field, value.isMissingNode() ? "missing" : value));
    }
    return value.asText();
  }

  /**
   * Returns the result of each row, in the order of the file.
   *
   * @return the results
   */
  public List<ObjectNode> results() {
    return results;
  }

  /**
   * Returns the results as JSON lines of ASCII, so that any row's id can be written.
   *
   * @return a line for each row
   */
  public String lines() {
    return results.stream().map(row -> Json.asciiLine(row) + "\n").collect(Collectors.joining());
  }

  /**
   * Returns the number of rows that were wrong.
   *
   * @return the number of results with an error
   */
  public int errors() {
    return errors;
  }
}
