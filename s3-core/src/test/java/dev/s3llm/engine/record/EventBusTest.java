package dev.s3llm.engine.record;

import static org.assertj.core.api.Assertions.assertThat;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.support.CallbackGuard;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EventBusTest {
  private static final EngineEvent.Request ASKED =
      new EngineEvent.Request(0, 1, 1, 0, Long.MAX_VALUE, "", 0, List.of());
  private static final int BUFFER = 4;

  @Test
  void listenerThatBlocks_takesNoEventFromAnother() throws InterruptedException {
    ExecutorService callbacks = Executors.newFixedThreadPool(2);
    CountDownLatch blocked = new CountDownLatch(1);
    Semaphore heard = new Semaphore(0);
    EventBus bus =
        new EventBus(
            List.of(event -> await(blocked), event -> heard.release()),
            new CallbackGuard(callbacks),
            BUFFER);
    for (int i = 0; i < 100; i++) {
      bus.publish(new EngineEvent.Ended(i, "r", FinishReason.LENGTH, 1, null, -1, ASKED));
      assertThat(heard.tryAcquire(30, TimeUnit.SECONDS)).as("event %d is heard", i).isTrue();
    }
    assertThat(bus.dropped()).isBetween(100L - BUFFER - 1, 100L - BUFFER);
    blocked.countDown();
    callbacks.shutdown();
    assertThat(callbacks.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
