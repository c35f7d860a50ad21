package dev.s3llm.simulate;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.support.Settings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes a row of a trace for each request that ends or was refused. Thread-safe. */
final class TraceRecorder implements Trace.Recorder {
  private static final Logger log = LoggerFactory.getLogger(TraceRecorder.class);
  private static final int LEAST_BYTES = 4096;
  private static final long UNKNOWN = Long.MIN_VALUE;

  private final ReentrantLock lock = new ReentrantLock();
  private final TraceFiles files;
  private long originNanos = UNKNOWN;
  private long recorded;
  private boolean closed;
  private @Nullable String failure;

  TraceRecorder(Path file, long maxBytes, int most) throws IOException {
    Settings.requireAtLeast("maxBytes", maxBytes, LEAST_BYTES);
    Settings.requireAtLeast("files", most, 1);
    this.files = new TraceFiles(file, maxBytes, most);
  }

  @Override
  public void onEvent(EngineEvent event) {
    if (event instanceof EngineEvent.Queued queued) {
      started(queued.request());
    } else if (event instanceof EngineEvent.Ended ended) {
      write(TraceRow.of(ended, started(ended.request())), 1);
    } else if (event instanceof EngineEvent.Refused refused) {
      write(TraceRow.of(refused, started(refused.request())), 0);
    }
  }

  /**
   * Takes the arrival of the first request as the begin of the trace. Returns the begin, in
   * nanoseconds of the engine's clock.
   */
  private long started(EngineEvent.Request request) {
    lock.lock();
    try {
      if (originNanos == UNKNOWN) {
        originNanos = request.arrivalNanos();
      }
      return originNanos;
    } finally {
      lock.unlock();
    }
  }

  /** Writes a line that counts as this many recorded requests. */
  private void write(String row, int requests) {
    lock.lock();
    try {
      if (closed || failure != null) {
        return;
      }
      files.write(row);
      recorded += requests;
    } catch (IOException e) {
      fail(e);
    } finally {
      lock.unlock();
    }
  }

  private void fail(IOException e) {
    failure =
        "%s cannot be written: %s; recording stops after %d requests"
            .formatted(files.file(), e, recorded);
    log.warn("{}; make room or choose another file, and start again", failure);
  }

  @Override
  public long recorded() {
    lock.lock();
    try {
      return recorded;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public Optional<String> failure() {
    lock.lock();
    try {
      return Optional.ofNullable(failure);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      if (!closed) {
        closed = true;
        files.close();
      }
    } catch (IOException e) {
      fail(e);
    } finally {
      lock.unlock();
    }
  }
}
