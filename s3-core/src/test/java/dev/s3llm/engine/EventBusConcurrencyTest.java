package dev.s3llm.engine;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Validate;
import org.jetbrains.lincheck.util.LoggingLevel;
import org.junit.jupiter.api.Test;

/** Events on their way to a listener, under every interleaving of the loop and the callbacks. */
public class EventBusConcurrencyTest {
  private static final int BUFFER = 2;

  private final ConcurrentLinkedQueue<Runnable> callbacks = new ConcurrentLinkedQueue<>();
  private final AtomicInteger inside = new AtomicInteger();
  private final List<Long> heard = new ArrayList<>();
  private volatile boolean overlapped;
  private final EventBus bus = new EventBus(List.of(this::hear), callbacks::add, BUFFER);
  private long published;

  private void hear(EngineEvent event) {
    if (inside.incrementAndGet() > 1) {
      overlapped = true;
    }
    heard.add(event.nanos());
    inside.decrementAndGet();
  }

  @Operation(nonParallelGroup = "loop")
  public void publish() {
    bus.publish(new EngineEvent.Ended(published++, "r", FinishReason.LENGTH, 1));
  }

  /** A thread of the callback executor takes a task. */
  @Operation
  public void callBack() {
    Runnable task = callbacks.poll();
    if (task != null) {
      task.run();
    }
  }

  @Validate
  public void whatWasNotDropped_isHeardOnceInOrder() {
    for (Runnable task; (task = callbacks.poll()) != null; ) {
      task.run();
    }
    require(heard.size() + bus.dropped() == published, heard + " of " + published);
    for (int i = 1; i < heard.size(); i++) {
      require(heard.get(i - 1) < heard.get(i), "order: " + heard);
    }
    require(!overlapped, "two deliveries at once");
  }

  @Test
  void everyInterleaving_keepsTheOrder() {
    new ModelCheckingOptions()
        .logLevel(LoggingLevel.OFF)
        .threads(2)
        .actorsPerThread(3)
        .actorsBefore(1)
        .actorsAfter(0)
        .iterations(10)
        .invocationsPerIteration(50)
        .check(EventBusConcurrencyTest.class);
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }
}
