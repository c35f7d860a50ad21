package dev.s3llm.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class WorkerPoolTest {
  private final List<Thread> threads = new ArrayList<>();

  private WorkerPool pool(int count) {
    return new WorkerPool(
        count,
        run -> {
          Thread thread = new Thread(run);
          thread.setDaemon(true);
          threads.add(thread);
          return thread;
        });
  }

  @Test
  void eachIteration_runsOnceInEachOfManyLoops() {
    try (WorkerPool pool = pool(4)) {
      for (int loop = 0; loop < 3_000; loop++) {
        AtomicIntegerArray runs = new AtomicIntegerArray(loop % 67);
        pool.forEach(runs.length(), true, (thread, i) -> runs.incrementAndGet(i));
        for (int i = 0; i < runs.length(); i++) {
          assertThat(runs.get(i)).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void threadsWithoutWork_parkAndWakeAgain() {
    try (WorkerPool pool = pool(3)) {
      for (int loop = 0; loop < 5; loop++) {
        while (threads.stream().anyMatch(thread -> thread.getState() != Thread.State.WAITING)) {
          LockSupport.parkNanos(100_000);
        }
        AtomicIntegerArray runs = new AtomicIntegerArray(100);
        pool.forEach(100, true, (thread, i) -> runs.incrementAndGet(i));
        assertThat(runs.toString()).doesNotContain("0").doesNotContain("2");
      }
    }
  }

  @Test
  void failedIteration_failsTheLoopAndNotTheNext() {
    try (WorkerPool pool = pool(3)) {
      assertThatThrownBy(
              () ->
                  pool.forEach(
                      50,
                      true,
                      (thread, i) -> {
                        if (i == 33) {
                          throw new ArithmeticException("iteration 33");
                        }
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasRootCauseMessage("iteration 33");
      AtomicIntegerArray runs = new AtomicIntegerArray(50);
      pool.forEach(50, true, (thread, i) -> runs.incrementAndGet(i));
      assertThat(runs.toString()).doesNotContain("0");
    }
  }

  @Test
  void closedPool_hasNoThread() throws InterruptedException {
    pool(3).close();
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(threads).hasSize(2).noneMatch(Thread::isAlive);
  }
}
