package dev.s3llm.simulate;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files of a recording. A row is written at once and whole. The open file begins with {@link
 * TraceReader#UNSORTED}, because its rows are in the order in which they were written; a file that
 * is closed is sorted first. Not thread-safe.
 */
final class TraceFiles {
  private static final Logger log = LoggerFactory.getLogger(TraceFiles.class);

  private final Path file;
  private final long maxBytes;
  private final int most;
  private FileChannel channel;
  private long size;
  private long headBytes;

  /**
   * Opens the first file; an existing one is renamed.
   *
   * @param file the file
   * @param maxBytes limit of a file in bytes
   * @param most how many files to keep, at least 1
   * @throws IOException if the file cannot be created, or an existing one cannot be renamed
   */
  TraceFiles(Path file, long maxBytes, int most) throws IOException {
    this.file = file.toAbsolutePath();
    this.maxBytes = maxBytes;
    this.most = most;
    this.channel = open();
  }

  Path file() {
    return file;
  }

  private FileChannel open() throws IOException {
    if (Files.exists(file) && Files.size(file) > 0) {
      shift();
    }
    FileChannel opened =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING);
    channel = opened;
    size = 0;
    append(TraceReader.UNSORTED + "\n" + TraceRow.HEADER + "\n");
    headBytes = size;
    return opened;
  }

  /** Renames the files: each gets the next number, and the oldest is deleted. */
  private void shift() throws IOException {
    Files.deleteIfExists(numbered(most - 1));
    for (int i = most - 1; i > 0; i--) {
      if (Files.exists(numbered(i - 1))) {
        Files.move(numbered(i - 1), numbered(i), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private Path numbered(int number) {
    String name = String.valueOf(file.getFileName());
    int dot = name.lastIndexOf('.');
    int end = dot > 0 ? dot : name.length();
    return number == 0
        ? file
        : file.resolveSibling(name.substring(0, end) + "." + number + name.substring(end));
  }

  /**
   * Writes a row; begins a new file first if this one would become too large.
   *
   * @param row the row with its line break
   * @throws IOException if it cannot be written; the file then ends with the row before
   */
  void write(String row) throws IOException {
    if (size > headBytes && size + row.length() > maxBytes) {
      close();
      open();
      log.info("{}: the trace has reached {} bytes; a new file begins", file, maxBytes);
    }
    append(row);
  }

  private void append(String text) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      size = channel.position();
    } catch (IOException e) {
      if (channel.isOpen()) {
        channel.truncate(size);
        channel.close();
      }
      throw e;
    }
  }

  /**
   * Sorts the file by arrival and closes it. Does nothing if the file is closed.
   *
   * @throws IOException if the sorted file cannot be written; the unsorted one then stays
   */
  void close() throws IOException {
    if (!channel.isOpen()) {
      return;
    }
    channel.close();
    List<String> rows = new ArrayList<>(Files.readAllLines(file));
    rows.subList(0, 2).clear();
    rows.sort(Comparator.comparingDouble(TraceRow::arrivalSeconds));
    rows.add(0, TraceRow.HEADER);
    Path sorted = file.resolveSibling(file.getFileName() + ".sorted");
    Files.write(sorted, rows);
    Files.move(sorted, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
