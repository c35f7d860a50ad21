package dev.s3llm.examples.cli.simulation;

import dev.s3llm.examples.cli.support.Numbers;
import dev.s3llm.examples.cli.support.UsageException;
import dev.s3llm.simulate.Trace;
import java.io.IOException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;

/** Reads the file of the option {@code --trace}. */
public final class TraceFile {
  private TraceFile() {}

  /**
   * Reads a trace.
   *
   * @param path the CSV file, or JSON lines ({@code .jsonl}, {@code .jsonl.gz})
   * @param most how many requests to take from the begin of the trace
   * @return the requests, at least one
   * @throws UsageException if the file cannot be read or is no trace, or no request is wanted
   */
  public static Trace read(String path, int most) {
    Numbers.requireAtLeast("--requests", 1, most);
    Trace trace = read(path);
    List<Trace.Request> requests = trace.requests();
    return most >= requests.size() ? trace : new Trace(requests.subList(0, most));
  }

  private static Trace read(String path) {
    try {
      return LengthsFile.named(path) ? LengthsFile.read(path) : Trace.read(Path.of(path));
    } catch (NoSuchFileException e) {
      throw new UsageException("--trace " + path + ": no such file");
    } catch (IOException | InvalidPathException e) {
      throw new UsageException("--trace " + path + ": cannot be read: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw new UsageException("--trace " + e.getMessage());
    }
  }
}
