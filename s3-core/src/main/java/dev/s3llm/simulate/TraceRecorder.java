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

/** Writes a row of a trace for each request that ends. Thread-safe. */
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
      ended(ended);
    }
  }

  /** Takes the arrival of the first request as the begin of the trace. */
  private void started(EngineEvent.Request request) {
    lock.lock();
    try {
      if (originNanos == UNKNOWN) {
        originNanos = request.arrivalNanos();
      }
    } finally {
      lock.unlock();
    }
  }

  private void ended(EngineEvent.Ended ended) {
    started(ended.request());
    lock.lock();
    try {
      if (closed || failure != null) {
        return;
      }
      files.write(TraceRow.of(ended, originNanos));
      recorded++;
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
