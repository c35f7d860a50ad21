package dev.s3llm.examples.cli.simulation;

import com.fasterxml.jackson.databind.JsonNode;
import dev.s3llm.examples.cli.support.Json;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.Trace;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads measured answers as a trace: JSON lines with {@code prompt_tokens}, {@code output_tokens}
 * and optionally {@code prompt.mean}, the predicted length, and {@link RecordedPredictions}. The
 * answers have no arrival times; all arrive at once, in the order of the file. Other fields are
 * ignored. Not thread-safe.
 */
final class LengthsFile {
  private static final String PLAIN = ".jsonl";
  private static final String ZIPPED = ".jsonl.gz";
  private static final int MAX_ROWS = 1_000_000;
  private static final int MAX_LINE_CHARS = 1 << 16;
  private static final int MAX_TOKENS = 1 << 24;

  private final BufferedReader in;
  private final String name;
  private int line;

  private LengthsFile(BufferedReader in, String name) {
    this.in = in;
    this.name = name;
  }

  /** Returns whether a file is of this format, by its name. */
  static boolean named(String path) {
    return path.endsWith(PLAIN) || path.endsWith(ZIPPED);
  }

  /**
   * Reads a file.
   *
   * @param path the file; compressed with gzip if its name ends in {@code .gz}
   * @return the requests, at least one
   * @throws UsageException if a line is wrong or there is none
   * @throws IOException if the file cannot be read
   */
  static Trace read(String path) throws IOException {
    try (InputStream file = Files.newInputStream(Path.of(path));
        InputStream text = path.endsWith(ZIPPED) ? new GZIPInputStream(file) : file;
        BufferedReader in =
            new BufferedReader(new InputStreamReader(text, StandardCharsets.UTF_8))) {
      return new LengthsFile(in, path).readAll();
    }
  }

  private Trace readAll() throws IOException {
    List<Trace.Request> requests = new ArrayList<>();
    String row;
    while ((row = nextLine()) != null) {
      if (requests.size() == MAX_ROWS) {
        throw new UsageException(where() + ": more than " + MAX_ROWS + " rows, which is the limit");
      }
      if (!row.isBlank()) {
        requests.add(request(Json.parse(where(), row)));
      }
    }
    if (requests.isEmpty()) {
      throw new UsageException("--trace " + name + ": the file has no rows");
    }
    return new Trace(requests);
  }

  private Trace.Request request(JsonNode row) {
    JsonNode mean = row.path("prompt").path("mean");
    int predicted = mean.isMissingNode() ? 0 : (int) Math.max(1, Math.round(predicted(mean)));
    return new Trace.Request(
        0,
        tokens(row, "prompt_tokens"),
        tokens(row, "output_tokens"),
        predicted,
        Trace.Terms.NONE,
        RecordedPredictions.of(row, this::where));
  }

  private double predicted(JsonNode mean) {
    double tokens = mean.isNumber() ? mean.doubleValue() : Double.NaN;
    if (!(tokens >= 0 && tokens <= MAX_TOKENS)) {
      throw new UsageException(
          "%s: prompt.mean is %s, must be a number from 0 to %d"
              .formatted(where(), mean, MAX_TOKENS));
    }
    return tokens;
  }

  private int tokens(JsonNode row, String field) {
    JsonNode value = row.path(field);
    if (!value.canConvertToInt() || value.intValue() < 1 || value.intValue() > MAX_TOKENS) {
      throw new UsageException(
          "%s: %s is %s, must be a whole number from 1 to %d"
              .formatted(where(), field, value.isMissingNode() ? "missing" : value, MAX_TOKENS));
    }
    return value.intValue();
  }

  /** Returns the next line, or null at the end; refuses a line that is too long. */
  private @Nullable String nextLine() throws IOException {
    StringBuilder text = new StringBuilder();
    line++;
    int c;
    while ((c = in.read()) >= 0 && c != '\n') {
      if (text.length() == MAX_LINE_CHARS) {
        throw new UsageException(
            where() + ": longer than " + MAX_LINE_CHARS + " characters, which is the limit");
      }
      text.append((char) c);
    }
    return c < 0 && text.isEmpty() ? null : text.toString();
  }

  private String where() {
    return "--trace " + name + " line " + line;
  }
}
