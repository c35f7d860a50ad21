package dev.s3llm.simulate;

import dev.s3llm.error.TraceFormatException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads traces from CSV with the header {@code arrival_s,prompt_tokens,output_tokens}, followed by
 * any of the {@linkplain TraceColumns optional columns}; {@code blocks} has ids with spaces
 * between. Blank lines, and lines after the header that begin with {@link #COMMENT}, are skipped.
 * After the line {@link #UNSORTED} the rows may be in any order; the trace is sorted by arrival.
 * The memory used is bounded, because longer lines and further rows than a limit are refused. Not
 * thread-safe.
 */
final class TraceReader {
  /** Default for the largest number of rows. */
  public static final int DEFAULT_MAX_ROWS = 1_000_000;

  private static final int MAX_LINE_CHARS = 1 << 20;
  private static final int SHOWN_CHARS = 40;
  private static final int MAX_TOKENS = 1 << 24;
  private static final double MAX_SECONDS = 1e9;
  private static final int FIXED_COLUMNS = 3;

  /** The first line of a recording that was not closed: its rows are in the order of their ends. */
  static final String UNSORTED = "# in order of end";

  /** The first character of a line that is skipped, such as that of a refused request. */
  static final String COMMENT = "#";

  /** The columns of every trace. */
  static final String HEADER = "arrival_s,prompt_tokens,output_tokens";

  private static final String BYTE_ORDER_MARK = "\uFEFF";

  private final BufferedReader in;
  private final String name;
  private final int maxRows;
  private int line;

  /** Whether this is a recording that was not closed. */
  private boolean unsorted;

  private TraceReader(Reader in, String name, int maxRows) {
    this.in = new BufferedReader(in);
    this.name = name;
    this.maxRows = maxRows;
  }

  /**
   * Reads a file in UTF-8 with at most {@link #DEFAULT_MAX_ROWS} rows.
   *
   * @throws TraceFormatException naming line, column, value and limit of the first mistake
   * @throws IOException if the file cannot be read
   */
  public static Trace read(Path file) throws IOException {
    try (Reader in = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      return read(in, file.toString(), DEFAULT_MAX_ROWS);
    } catch (CharacterCodingException e) {
      throw new TraceFormatException(file + ": not UTF-8 text");
    }
  }

  /**
   * Reads a trace.
   *
   * @param in reads the CSV text
   * @param name name of the source, for error messages
   * @param maxRows largest number of rows, at least 1
   * @throws TraceFormatException naming line, column, value and limit of the first mistake
   * @throws IOException if reading fails
   */
  public static Trace read(Reader in, String name, int maxRows) throws IOException {
    return new TraceReader(in, name, maxRows).readAll();
  }

  private Trace readAll() throws IOException {
    String header = nextLine();
    if (header == null) {
      throw new TraceFormatException(name + ": the file is empty; expected the header " + HEADER);
    }
    unsorted = header.equals(UNSORTED);
    if (unsorted) {
      header = Objects.requireNonNullElse(nextLine(), "");
    }
    String columns = header.startsWith(BYTE_ORDER_MARK) ? header.substring(1) : header;
    if (!columns.equals(HEADER) && !columns.startsWith(HEADER + ",")) {
      throw badHeader(columns);
    }
    List<Trace.Request> requests = readRows(optional(columns));
    if (requests.isEmpty()) {
      throw new TraceFormatException(name + ": no request follows the header");
    }
    if (unsorted) {
      requests.sort(Comparator.comparingLong(Trace.Request::arrivalNanos));
    }
    return new Trace(requests);
  }

  private TraceColumns optional(String header) {
    return TraceColumns.parse(header.substring(HEADER.length()))
        .orElseThrow(() -> badHeader(header));
  }

  private TraceFormatException badHeader(String header) {
    return error(
        "the header is \"%s\", expected %s, then each of %s at most once"
            .formatted(shown(header), HEADER, TraceColumns.NAMES));
  }

  private List<Trace.Request> readRows(TraceColumns optional) throws IOException {
    List<Trace.Request> requests = new ArrayList<>();
    long previous = 0;
    String row;
    while ((row = nextLine()) != null) {
      if (row.startsWith(COMMENT)) {
        continue;
      }
      if (requests.size() == maxRows) {
        throw error("more than " + maxRows + " requests, which is the limit");
      }
      Trace.Request request = parse(row, optional);
      if (!unsorted && request.arrivalNanos() < previous) {
        throw error(
            "column arrival_s is %s, before the line above (%s s); arrivals must ascend"
                .formatted(shown(row.split(",", -1)[0]), previous / 1e9));
      }
      previous = request.arrivalNanos();
      requests.add(request);
    }
    return requests;
  }

  private Trace.Request parse(String row, TraceColumns optional) {
    String[] values = row.split(",", -1);
    int expected = FIXED_COLUMNS + optional.count();
    if (values.length != expected) {
      throw error("%d columns, expected %d".formatted(values.length, expected));
    }
    int promptTokens = tokens("prompt_tokens", values[1].strip());
    int outputTokens = tokens("output_tokens", values[2].strip());
    return new Trace.Request(
        nanos("arrival_s", values[0].strip(), 0),
        promptTokens,
        outputTokens,
        optional.in(TraceColumns.PREDICTED, values).map(this::predicted).orElse(0),
        terms(optional, values),
        Collections.emptyNavigableMap(),
        optional
            .given(TraceColumns.BLOCKS, values)
            .map(v -> blocks(v, promptTokens))
            .orElse(List.of()),
        optional
            .given(TraceColumns.THINKING, values)
            .map(v -> thinking(v, outputTokens))
            .orElse(0));
  }

  private int thinking(String value, int outputTokens) {
    int thinking = tokens(TraceColumns.THINKING, value);
    if (thinking > outputTokens) {
      throw error(
          "column thinking_tokens is %d, must not exceed output_tokens, which is %d"
              .formatted(thinking, outputTokens));
    }
    return thinking;
  }

  private List<Long> blocks(String value, int promptTokens) {
    int needed = Trace.Request.blocksFor(promptTokens);
    List<Long> ids = new ArrayList<>();
    for (String id : value.split(" ", needed + 1)) {
      try {
        ids.add(Long.parseLong(id));
      } catch (NumberFormatException e) {
        throw error("column blocks has \"%s\", must have whole numbers".formatted(shown(id)));
      }
    }
    if (ids.size() != needed) {
      throw error(
          "column blocks has %d ids, must have %d for a prompt of %d tokens"
              .formatted(ids.size(), needed, promptTokens));
    }
    return ids;
  }

  private int predicted(String value) {
    return tokens(TraceColumns.PREDICTED, value);
  }

  private Trace.Terms terms(TraceColumns optional, String[] values) {
    if (!optional.hasTerms()) {
      return Trace.Terms.NONE;
    }
    return new Trace.Terms(
        optional.given("limit", values).map(v -> tokens("limit", v)).orElse(0),
        optional.given("priority", values).map(this::priority).orElse(0),
        optional
            .given("deadline_s", values)
            .map(v -> nanos("deadline_s", v, 1e-9))
            .orElse(Long.MAX_VALUE),
        optional.given("tenant", values).orElse(""),
        optional
            .given("cancelled_s", values)
            .map(v -> nanos("cancelled_s", v, 0))
            .orElse(Long.MAX_VALUE));
  }

  private int priority(String value) {
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw error("column priority is \"%s\", must be a whole number".formatted(shown(value)));
    }
  }

  private long nanos(String column, String value, double least) {
    double seconds;
    try {
      seconds = Double.parseDouble(value);
    } catch (NumberFormatException e) {
      seconds = Double.NaN;
    }
    if (!(seconds >= least && seconds <= MAX_SECONDS)) {
      throw error(
          "column %s is \"%s\", must be a number %s to %.0f"
              .formatted(column, shown(value), least == 0 ? "from 0" : "from 1e-9", MAX_SECONDS));
    }
    return Math.round(seconds * 1e9);
  }

  private int tokens(String column, String value) {
    long tokens;
    try {
      tokens = Long.parseLong(value);
    } catch (NumberFormatException e) {
      tokens = 0;
    }
    if (tokens < 1 || tokens > MAX_TOKENS) {
      throw error(
          "column %s is \"%s\", must be a whole number from 1 to %d"
              .formatted(column, shown(value), MAX_TOKENS));
    }
    return (int) tokens;
  }

  /**
   * Returns the next line that is not blank, or null at the end; refuses a line that is too long.
   */
  private @Nullable String nextLine() throws IOException {
    StringBuilder text = new StringBuilder();
    line++;
    int c;
    while ((c = in.read()) >= 0) {
      if (c != '\n') {
        if (text.length() == MAX_LINE_CHARS) {
          throw error("longer than " + MAX_LINE_CHARS + " characters, which is the limit");
        }
        text.append((char) c);
      } else if (!text.toString().isBlank()) {
        return text.toString().strip();
      } else {
        text.setLength(0);
        line++;
      }
    }
    String last = text.toString().strip();
    boolean cutOff = unsorted; // the process ended while it wrote the row
    return last.isEmpty() || cutOff ? null : last;
  }

  private TraceFormatException error(String what) {
    return new TraceFormatException(name + " line " + line + ": " + what);
  }

  private static String shown(String value) {
    return value.length() <= SHOWN_CHARS ? value : value.substring(0, SHOWN_CHARS) + "...";
  }
}
