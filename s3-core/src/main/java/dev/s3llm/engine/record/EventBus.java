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
 * Delivers events to listeners, in order, without ever making the loop wait, and counts what user
 * code throws. Thread-safe.
 */
public final class EventBus {
  private static final Logger log = LoggerFactory.getLogger(EventBus.class);

  private final List<EngineListener> listeners;
  private final CallbackGuard callbacks;
  private final ArrayBlockingQueue<EngineEvent> events;
  private final AtomicBoolean draining = new AtomicBoolean();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();

  /**
   * Creates a bus.
   *
   * @param listeners receive each event, in this order
   * @param callbacks runs the listeners
   * @param buffer events that may wait, at least 1
   */
  public EventBus(List<EngineListener> listeners, CallbackGuard callbacks, int buffer) {
    this.listeners = List.copyOf(listeners);
    this.callbacks = callbacks;
    this.events = new ArrayBlockingQueue<>(buffer);
  }

  /** Returns whether there are listeners; without any, events need not be made. */
  public boolean active() {
    return !listeners.isEmpty();
  }

  /** Queues an event, or drops and counts it if too many wait. */
  public void publish(EngineEvent event) {
    if (!events.offer(event)) {
      dropped.incrementAndGet();
      return;
    }
    scheduleDrain();
  }

  /** Returns how many events were dropped. */
  public long dropped() {
    return dropped.get();
  }

  /** Returns how many exceptions listeners and callbacks threw. */
  public long failures() {
    return failures.get();
  }

  /** Counts what user code threw; the first is logged at WARN, further ones at DEBUG. */
  public void failed(String what, Throwable thrown) {
    if (failures.getAndIncrement() == 0) {
      log.warn("{} threw; further failures are logged at DEBUG", what, thrown);
    } else {
      log.debug("{} threw", what, thrown);
    }
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
      for (EngineListener listener : listeners) {
        deliver(listener, event);
      }
    }
    draining.set(false);
    scheduleDrain();
  }

  private void deliver(EngineListener listener, EngineEvent event) {
    Throwable thrown = Guard.run(() -> listener.onEvent(event));
    if (thrown != null) {
      failed("a listener", thrown);
    }
  }
}
