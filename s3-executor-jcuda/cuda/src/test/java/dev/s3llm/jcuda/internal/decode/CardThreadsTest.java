package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class CardThreadsTest {
  private final CardThreads threads = new CardThreads(3, Thread::new);

  @AfterEach
  void close() {
    threads.close();
  }

  @Test
  void everyCard_isServedAtOnce_theFirstByTheCaller() {
    CountDownLatch all = new CountDownLatch(3);
    Thread caller = Thread.currentThread();
    Set<Thread> seen = ConcurrentHashMap.newKeySet();
    threads.run(
        card -> {
          seen.add(Thread.currentThread());
          assertThat(Thread.currentThread() == caller).isEqualTo(card == 0);
          all.countDown();
          assertThat(await(all)).as("card %d alone", card).isTrue();
        });
    assertThat(seen).hasSize(3);
  }

  private static boolean await(CountDownLatch latch) {
    try {
      return latch.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void failureOfOneCard_isThrownWhenTheOthersAreDone() {
    for (int failing = 0; failing < 3; failing++) {
      int bad = failing;
      CountDownLatch failed = new CountDownLatch(1);
      AtomicBoolean othersDone = new AtomicBoolean();
      assertThatThrownBy(
              () ->
                  threads.run(
                      card -> {
                        if (card == bad) {
                          failed.countDown();
                          throw new IllegalArgumentException("card " + card);
                        } else if (card == (bad + 1) % 3) {
                          assertThat(await(failed)).isTrue();
                          othersDone.set(true);
                        }
                      }))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("card " + bad);
      assertThat(othersDone).isTrue();
    }
  }
}
