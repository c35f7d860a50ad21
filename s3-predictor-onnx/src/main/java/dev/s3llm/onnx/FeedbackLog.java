package dev.s3llm.onnx;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.s3llm.predict.LengthFeedback;
import dev.s3llm.support.Settings;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A log of finished answers for the training script, in JSON lines: {@code {"prompt",
 * "output_tokens", "finished", "prompt_tokens", "predicted_p50", "predicted_p90"}}; {@code
 * finished} is false for answers that were cut off.
 *
 * <p>A separate thread writes; callers never wait. Rows beyond the queue's bound and rows that
 * cannot be written are dropped and counted. A full file is renamed to {@code NAME.1}, the earlier
 * {@code NAME.1} to {@code NAME.2}, and so on; the oldest is deleted. A row longer than a whole
 * file is dropped. Prompts are user data: protect the folder accordingly.
 *
 * <p>Thread-safe.
 */
public final class FeedbackLog implements AutoCloseable {
  private static final Logger logger = LoggerFactory.getLogger(FeedbackLog.class);
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int QUEUE = 4096;
  private static final long CLOSE_WAIT_MILLIS = 5_000;

  private final Path file;
  private final long maxFileBytes;
  private final int maxFiles;
  private final BlockingQueue<LengthFeedback> queue = new ArrayBlockingQueue<>(QUEUE);
  private final LongAdder dropped = new LongAdder();
  private final LongAdder written = new LongAdder();
  private final Thread writer;
  private volatile boolean closed;
  private boolean warned;

  private FeedbackLog(Path file, long maxFileBytes, int maxFiles) {
    this.file = file;
    this.maxFileBytes = maxFileBytes;
    this.maxFiles = maxFiles;
    this.writer = new Thread(this::run, "s3-feedback-log");
    writer.setDaemon(true);
    writer.start();
  }

  /**
   * Opens a log; appends if the file exists.
   *
   * @param file the newest file; its folder must exist
   * @param maxFileBytes the largest size of a file in bytes, at least 1,024
   * @param maxFiles number of files to keep, the newest included; from 1 to 1,000
   * @throws IllegalArgumentException if a value is out of range or the folder does not exist
   */
  public static FeedbackLog open(Path file, long maxFileBytes, int maxFiles) {
    Settings.requireAtLeast("maxFileBytes", maxFileBytes, 1024);
    if (maxFiles < 1 || maxFiles > 1000) {
      throw new IllegalArgumentException("maxFiles must be from 1 to 1000, but is " + maxFiles);
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IllegalArgumentException("the folder of " + file + " does not exist");
    }
    return new FeedbackLog(file, maxFileBytes, maxFiles);
  }

  /**
   * Adds an answer to the log without waiting. Answers without a prompt's text are left out.
   *
   * @param feedback the answer
   */
  public void append(LengthFeedback feedback) {
    if (feedback.query().promptText() == null) {
      return;
    }
    if (closed || !queue.offer(feedback)) {
      dropped.increment();
    } else if (closed && queue.remove(feedback)) {
      dropped.increment(); // closed in between, and not written
    }
  }

  /** Returns the number of rows that were dropped. */
  public long dropped() {
    return dropped.sum();
  }

  /** Returns the number of rows that were written. */
  public long written() {
    return written.sum();
  }

  private void run() {
    while (!closed || !queue.isEmpty()) {
      try {
        LengthFeedback row = queue.poll(100, TimeUnit.MILLISECONDS);
        if (row != null) {
          writeOrDrop(row);
        }
      } catch (InterruptedException e) {
        logger.debug("the feedback log's thread was interrupted, which does not end it", e);
      }
    }
  }

  private void writeOrDrop(LengthFeedback row) {
    try {
      write(row);
      written.increment();
    } catch (IOException | RuntimeException e) {
      dropped.increment();
      if (!warned) {
        warned = true;
        logger.warn("feedback cannot be written to {}; later failures are only counted", file, e);
      }
    }
  }

  private void write(LengthFeedback row) throws IOException {
    String line = JSON.writeValueAsString(json(row)) + "\n";
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > maxFileBytes) {
      throw new IOException(
          "a row of %d bytes; the limit is %d".formatted(bytes.length, maxFileBytes));
    }
    if (Files.isRegularFile(file) && Files.size(file) + bytes.length > maxFileBytes) {
      rotate();
    }
    try (OutputStream out =
        Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      out.write(bytes);
    }
  }

  private static ObjectNode json(LengthFeedback row) {
    @Nullable String prompt = row.query().promptText();
    return JSON.createObjectNode()
        .put("prompt", prompt)
        .put("output_tokens", row.actualTokens())
        .put("finished", !row.censored())
        .put("prompt_tokens", row.query().promptTokens())
        .put("predicted_p50", row.prediction().quantile(0.5))
        .put("predicted_p90", row.prediction().quantile(0.9));
  }

  private void rotate() throws IOException {
    Files.deleteIfExists(numbered(maxFiles - 1));
    for (int i = maxFiles - 2; i >= 0; i--) {
      if (Files.exists(numbered(i))) {
        Files.move(numbered(i), numbered(i + 1), StandardCopyOption.REPLACE_EXISTING);
      }
    }
  }

  private Path numbered(int i) {
    return i == 0 ? file : file.resolveSibling(file.getFileName() + "." + i);
  }

  /** Writes the queued rows, for at most five seconds, and ends. Idempotent. */
  @Override
  public void close() {
    closed = true;
    try {
      writer.join(CLOSE_WAIT_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
