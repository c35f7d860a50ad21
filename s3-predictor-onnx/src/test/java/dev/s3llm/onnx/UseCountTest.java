package dev.s3llm.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class UseCountTest {
  private final AtomicInteger released = new AtomicInteger();
  private final UseCount uses = new UseCount(released::incrementAndGet);

  @Test
  void unusedOne_isReleasedOnceWhenClosed() {
    uses.close();
    uses.close();
    assertThat(released).hasValue(1);
    assertThat(uses.begin()).isFalse();
  }

  @Test
  void closing_waitsForUsesOfOtherThreads() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    CompletableFuture<Void> user =
        CompletableFuture.runAsync(
            () -> {
              uses.begin();
              begun.countDown();
              await(finish);
              uses.end();
            });
    begun.await();
    CompletableFuture<Void> closer = CompletableFuture.runAsync(uses::close);
    Thread.sleep(50);
    assertThat(closer).isNotDone();
    assertThat(released).hasValue(0);
    finish.countDown();
    closer.get(10, TimeUnit.SECONDS);
    user.get(10, TimeUnit.SECONDS);
    assertThat(released).hasValue(1);
  }

  @Test
  void closingWithinAUse_leavesTheReleaseToItsEnd() {
    uses.begin();
    uses.begin();
    uses.close();
    uses.end();
    assertThat(released).hasValue(0);
    uses.end();
    assertThat(released).hasValue(1);
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
