package dev.s3llm.engine.record;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.support.CallbackGuard;
import dev.s3llm.support.Guard;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The queues of events to the listeners, one for each listener: so a slow listener takes no event
 * from the others. Delivers events in order on the callback executor, never makes the loop wait,
 * and counts what user code throws. Thread-safe.
 */
public final class EventBus {
  private static final Logger log = LoggerFactory.getLogger(EventBus.class);

  private final List<Line> lines;
  private final CallbackGuard callbacks;
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();

  /**
   * Creates a bus.
   *
   * @param listeners receive each event
   * @param callbacks runs the listeners
   * @param buffer how many events may wait for a listener, at least 1
   */
  public EventBus(List<EngineListener> listeners, CallbackGuard callbacks, int buffer) {
    this.callbacks = callbacks;
    this.lines = listeners.stream().map(listener -> new Line(listener, buffer)).toList();
  }

  /** Returns whether there are listeners. If not, no event needs to be made. */
  public boolean active() {
    return !lines.isEmpty();
  }

  /**
   * Queues an event for each listener; drops and counts it for a listener whose buffer is full, or
   * if the executor refuses.
   */
  public void publish(EngineEvent event) {
    for (Line line : lines) {
      line.publish(event);
    }
  }

  /** Returns the number of dropped events; an event counts for each listener that misses it. */
  public long dropped() {
    return dropped.get();
  }

  /** Returns the number of exceptions that listeners and callbacks have thrown. */
  public long failures() {
    return failures.get();
  }

  /**
   * Counts and logs an exception of user code: the first one at WARN, further ones at DEBUG.
   *
   * @param what what has thrown, for the log message
   * @param thrown the exception
   */
  public void failed(String what, Throwable thrown) {
    if (failures.getAndIncrement() == 0) {
      log.warn("{} threw; further failures are logged at DEBUG", what, thrown);
    } else {
      log.debug("{} threw", what, thrown);
    }
  }

  /** The events that wait for one listener. */
  private final class Line {
    private final EngineListener listener;
    private final ArrayBlockingQueue<EngineEvent> events;
    private final AtomicBoolean draining = new AtomicBoolean();

    Line(EngineListener listener, int buffer) {
      this.listener = listener;
      this.events = new ArrayBlockingQueue<>(buffer);
    }

    void publish(EngineEvent event) {
      if (!events.offer(event)) {
        dropped.incrementAndGet();
        return;
      }
      scheduleDrain();
    }

    private void scheduleDrain() {
      while (!events.isEmpty() && draining.compareAndSet(false, true)) {
        if (callbacks.submit(this::drain)) {
          return;
        }
        while (events.poll() != null) {
          dropped.incrementAndGet();
        }
        draining.set(false);
      }
    }

    private void drain() {
      EngineEvent event;
      while ((event = events.poll()) != null) {
        deliver(event);
      }
      draining.set(false);
      scheduleDrain();
    }

    private void deliver(EngineEvent event) {
      Throwable thrown = Guard.run(() -> listener.onEvent(event));
      if (thrown != null) {
        failed("a listener", thrown);
      }
    }
  }
}
