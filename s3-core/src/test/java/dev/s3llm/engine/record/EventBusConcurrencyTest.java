package dev.s3llm.engine.record;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.support.CallbackGuard;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Tests the delivery of events to a listener by several callback threads. The publisher often lets
 * the bus become empty, so that new events coincide with the end of a delivery.
 */
@Timeout(60)
class EventBusConcurrencyTest {
  private static final EngineEvent.Request ASKED =
      new EngineEvent.Request(0, 1, 1, 0, Long.MAX_VALUE, "", 0, List.of());
  private static final long RUN_NANOS = 4_000_000_000L;
  private static final int BUFFER = 3;

  /** A time longer than a busy machine delays a thread. */
  private static final long PATIENCE_NANOS = 30_000_000_000L;

  private final Queue<Runnable> queued = new ConcurrentLinkedQueue<>();
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicInteger mostWaiting = new AtomicInteger();
  private final AtomicBoolean running = new AtomicBoolean(true);
  private final AtomicInteger inside = new AtomicInteger();
  private final AtomicInteger overlaps = new AtomicInteger();
  private final AtomicLong delivered = new AtomicLong();
  private final EventBus bus =
      new EventBus(List.of(this::receive), new CallbackGuard(this::queue), BUFFER);
  private long last = -1; // not volatile: each delivery must see the one before
  private boolean unordered;

  @Test
  void everyEvent_isHeardOnceInOrderOrCountedAsDropped() throws InterruptedException {
    List<Thread> callbacks = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      callbacks.add(new Thread(this::callBack));
    }
    callbacks.forEach(Thread::start);
    long published = publish(System.nanoTime() + RUN_NANOS);
    running.set(false);
    for (Thread thread : callbacks) {
      thread.join();
    }
    assertThat(delivered.get() + bus.dropped()).as("delivered or dropped").isEqualTo(published);
    assertThat(bus.failures()).isZero();
    assertThat(overlaps.get()).as("deliveries at the same time").isZero();
    assertThat(mostWaiting.get()).as("deliveries queued at once").isEqualTo(1);
    assertThat(unordered).as("order was lost").isFalse();
  }

  /** Publishes until a time, or until an event is not delivered for long; returns the number. */
  private long publish(long end) {
    long published = 0;
    while (System.nanoTime() < end) {
      for (long burst = published % 5; burst >= 0; burst--) {
        bus.publish(
            new EngineEvent.Ended(published++, "r", FinishReason.LENGTH, 1, null, -1, ASKED));
      }
      long patience = System.nanoTime() + PATIENCE_NANOS;
      while (delivered.get() + bus.dropped() < published) {
        if (System.nanoTime() > patience) {
          return published;
        }
        Thread.onSpinWait(); // a spinning thread continues sooner than one that yields
      }
    }
    return published;
  }

  private void queue(Runnable delivery) {
    queued.add(delivery);
    int now = waiting.incrementAndGet();
    mostWaiting.accumulateAndGet(now, Math::max);
  }

  private void callBack() {
    while (running.get()) {
      Runnable delivery = queued.poll();
      if (delivery == null) {
        Thread.yield();
      } else {
        waiting.decrementAndGet();
        delivery.run();
      }
    }
  }

  private void receive(EngineEvent event) {
    if (inside.incrementAndGet() > 1) {
      overlaps.incrementAndGet();
    }
    unordered |= event.nanos() <= last;
    last = event.nanos();
    delivered.incrementAndGet();
    inside.decrementAndGet();
  }
}
