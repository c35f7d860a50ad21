package dev.s3llm.jcuda.internal.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
class CardTurnsTest {
  private static final CountDownLatch NOTHING = new CountDownLatch(0);

  /** Starts a step of cards; it ends with a latch. */
  private static CompletableFuture<Integer> step(
      List<Integer> cards, CountDownLatch begun, CountDownLatch end) {
    return CompletableFuture.supplyAsync(
        () ->
            new CardTurns(cards)
                .run(
                    () -> {
                      begun.countDown();
                      await(end);
                      return cards.size();
                    }),
        task -> new Thread(task).start());
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void modelsThatShareACard_takeTurns_othersDoNot() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    CompletableFuture<Integer> first = step(List.of(100, 101), begun, end);
    await(begun);
    assertThat(step(List.of(103, 102), new CountDownLatch(1), NOTHING).get()).isEqualTo(2);
    CompletableFuture<Integer> second = step(List.of(102, 101), new CountDownLatch(1), NOTHING);
    assertThatThrownBy(() -> second.get(100, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    end.countDown();
    assertThat(first.get()).isEqualTo(2);
    assertThat(second.get()).isEqualTo(2);
  }

  @Test
  void stepThatFails_endsItsTurn() {
    CardTurns turns = new CardTurns(List.of(104, 105));
    assertThatThrownBy(
            () ->
                turns.run(
                    () -> {
                      throw new IllegalStateException("the step failed");
                    }))
        .hasMessage("the step failed");
    assertThat(step(List.of(105), new CountDownLatch(1), NOTHING).join()).isEqualTo(1);
  }
}
