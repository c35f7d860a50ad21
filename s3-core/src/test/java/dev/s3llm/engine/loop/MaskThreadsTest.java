package dev.s3llm.engine.loop;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class MaskThreadsTest {
  private final CountDownLatch open = new CountDownLatch(1);
  private final AtomicInteger hanging = new AtomicInteger();
  private final MaskThreads threads = new MaskThreads(Thread::new);

  @Test
  void lostThreads_areReplacedUpToABound_andComeBack() {
    List<Runnable> lost = new ArrayList<>();
    while (!threads.exhausted()) {
      Runnable work = this::hang;
      threads.execute(work);
      lost.add(work);
      await().until(() -> hanging.get() == lost.size());
      threads.abandon(work);
      threads.abandon(work); // counts once
    }

    assertThatExceptionOfType(RejectedExecutionException.class)
        .isThrownBy(() -> threads.execute(() -> {}))
        .withMessageContaining("lost in constraints that do not return");
    open.countDown();
    await().until(() -> !threads.exhausted());
    CountDownLatch ran = new CountDownLatch(1);
    threads.execute(ran::countDown);
    await().until(() -> ran.getCount() == 0);
    threads.close();
  }

  private void hang() {
    hanging.incrementAndGet();
    try {
      open.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
