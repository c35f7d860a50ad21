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
 * Reads JSON lines as a trace: {@code prompt_tokens}, {@code output_tokens} and optionally {@code
 * arrival_s}, {@code blocks}, the ids of the prompt's blocks of 512 tokens, {@code prompt.mean},
 * the predicted length, and {@link RecordedPredictions}. Measured answers have no arrival times;
 * then all arrive at once, in the order of the file. Other fields are ignored. Not thread-safe.
 */
final class LengthsFile {
  private static final String PLAIN = ".jsonl";
  private static final String ZIPPED = ".jsonl.gz";
  private static final int MAX_ROWS = 1_000_000;
  private static final int MAX_LINE_CHARS = 1 << 18;
  private static final double MAX_SECONDS = 1e9;
  private static final double NANOS_PER_SECOND = 1e9;
  private static final int MAX_TOKENS = 1 << 24;

  private final BufferedReader in;
  private final String name;
  private int line;
  private boolean arrivals;
  private long lastArrivalNanos;

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

  /** Returns whether a trace has no arrivals: measured answers, which all arrive at once. */
  static boolean withoutArrivals(String path, Trace trace) {
    return named(path) && trace.requests().get(trace.requests().size() - 1).arrivalNanos() == 0;
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
    int promptTokens = tokens(row, "prompt_tokens");
    return new Trace.Request(
        arrivalNanos(row),
        promptTokens,
        tokens(row, "output_tokens"),
        predicted,
        Trace.Terms.NONE,
        RecordedPredictions.of(row, this::where),
        blocks(row, promptTokens));
  }

  private long arrivalNanos(JsonNode row) {
    JsonNode arrival = row.path("arrival_s");
    if (line == 1) {
      arrivals = !arrival.isMissingNode();
    }
    if (!arrivals && arrival.isMissingNode()) {
      return 0;
    }
    double seconds = arrival.isNumber() ? arrival.doubleValue() : Double.NaN;
    if (!arrivals || !(seconds >= 0 && seconds <= MAX_SECONDS)) {
      throw new UsageException(
          "%s: arrival_s is %s, must be a number from 0 to %.0f in all rows, or in none"
              .formatted(where(), shown(arrival), MAX_SECONDS));
    }
    long nanos = Math.round(seconds * NANOS_PER_SECOND);
    if (nanos < lastArrivalNanos) {
      throw new UsageException(
          "%s: arrival_s is %s, before the row above (%s s); sort the rows by arrival_s"
              .formatted(where(), arrival, lastArrivalNanos / NANOS_PER_SECOND));
    }
    lastArrivalNanos = nanos;
    return nanos;
  }

  private List<Long> blocks(JsonNode row, int promptTokens) {
    JsonNode blocks = row.path("blocks");
    if (blocks.isMissingNode()) {
      return List.of();
    }
    int needed = (promptTokens - 1) / Trace.Request.BLOCK_TOKENS + 1;
    List<Long> ids = new ArrayList<>(needed);
    blocks.forEach(id -> ids.add(id(id)));
    if (!blocks.isArray() || ids.size() != needed) {
      throw new UsageException(
          "%s: blocks must be an array of %d ids, one for each %d prompt tokens begun"
              .formatted(where(), needed, Trace.Request.BLOCK_TOKENS));
    }
    return List.copyOf(ids);
  }

  private long id(JsonNode id) {
    if (!id.isIntegralNumber() || !id.canConvertToLong()) {
      throw new UsageException("%s: blocks has %s, must have whole numbers".formatted(where(), id));
    }
    return id.longValue();
  }

  private static String shown(JsonNode value) {
    return value.isMissingNode() ? "missing" : value.toString();
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
              .formatted(where(), field, shown(value), MAX_TOKENS));
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
