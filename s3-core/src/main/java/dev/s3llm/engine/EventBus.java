package dev.s3llm.engine;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Hands events to listeners, in order, without ever making the loop wait. */
final class EventBus {
  private static final Logger log = LoggerFactory.getLogger(EventBus.class);

  private final List<EngineListener> listeners;
  private final Executor callbacks;
  private final ArrayBlockingQueue<EngineEvent> events;
  private final AtomicBoolean draining = new AtomicBoolean();
  private final AtomicLong dropped = new AtomicLong();
  private final AtomicLong failures = new AtomicLong();

  EventBus(List<EngineListener> listeners, Executor callbacks, int buffer) {
    this.listeners = List.copyOf(listeners);
    this.callbacks = callbacks;
    this.events = new ArrayBlockingQueue<>(buffer);
  }

  /** Whether anybody listens; otherwise events need not be made. */
  boolean active() {
    return !listeners.isEmpty();
  }

  void publish(EngineEvent event) {
    if (!events.offer(event)) {
      dropped.incrementAndGet();
      return;
    }
    scheduleDrain();
  }

  long dropped() {
    return dropped.get();
  }

  long failures() {
    return failures.get();
  }

  private void scheduleDrain() {
    while (!events.isEmpty() && draining.compareAndSet(false, true)) {
      try {
        callbacks.execute(this::drain);
        return;
      } catch (Throwable e) { // it refuses, or has no thread left
        while (events.poll() != null) {
          dropped.incrementAndGet();
        }
        draining.set(false);
      }
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
    try {
      listener.onEvent(event);
    } catch (Throwable e) {
      if (failures.getAndIncrement() == 0) {
        log.warn("a listener threw; further failures are logged at DEBUG", e);
      } else {
        log.debug("a listener threw", e);
      }
    }
  }
}
