package dev.s3llm;

import static dev.s3llm.Engines.result;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.s3llm.observe.FinishReason;
import dev.s3llm.stream.TokenBuffer;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TokenStreamTest {
  private final FakeExecutor executor = FakeExecutor.held();
  private final S3Engine engine = S3Engine.builder(executor).build();

  @AfterEach
  void close() {
    executor.release(1_000_000);
    engine.closeNow();
  }

  @Test
  void tokens_comeOnceInOrderAndThenTheEnd() throws Exception {
    Generation generation = submit(40);
    TokenReader reader = TokenReader.of(generation, Long.MAX_VALUE);
    executor.release(100);

    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.tokens).isEqualTo(upTo(40));
    assertThat(result(generation).tokens())
        .isEqualTo(reader.tokens.stream().mapToInt(i -> i).toArray());
  }

  @Test
  void demand_isHonoured() throws Exception {
    Generation generation = submit(10);
    TokenReader reader = TokenReader.of(generation, 0);
    executor.release(100);
    result(generation);
    assertThat(reader.tokens).isEmpty();

    reader.subscription.request(3);
    await().untilAsserted(() -> assertThat(reader.tokens).isEqualTo(upTo(3)));
    assertThat(reader.end).isNotDone();
    reader.subscription.request(7);
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.tokens).isEqualTo(upTo(10));
  }

  @Test
  void hugeDemandTwice_doesNotOverflow() throws Exception {
    Generation generation = submit(5);
    TokenReader reader = TokenReader.of(generation, Long.MAX_VALUE);
    reader.subscription.request(Long.MAX_VALUE);
    executor.release(100);
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.tokens).isEqualTo(upTo(5));
  }

  @Test
  void demandOfZero_isAnErrorAndTheEnd() throws Exception {
    Generation generation = submit(90);
    TokenReader reader = TokenReader.of(generation, 0);
    executor.release(1);
    reader.subscription.request(0);
    executor.release(1);
    assertThat(reader.awaitEnd()).contains("n > 0").contains("0");
    assertThat(result(generation).finishReason()).isEqualTo(FinishReason.CANCELLED);
  }

  @Test
  void subscriberThatThrowsWhenItIsTaken_isNotCalledAgainAndCancels() throws Exception {
    Generation generation = submit(90);
    TokenReader reader =
        new TokenReader(0) {
          @Override
          public void onSubscribe(Flow.Subscription given) {
            given.request(5);
            throw new IllegalStateException("planted");
          }
        };
    assertThatThrownBy(() -> generation.tokens().subscribe(reader)).hasMessage("planted");
    executor.release(2);
    assertThat(result(generation).finishReason()).isEqualTo(FinishReason.CANCELLED);
    assertThat(reader.tokens).isEmpty();
    assertThat(reader.end).isNotDone();
  }

  /** An executor that blocks and then refuses the task; the stream ends while it blocks. */
  @Test
  void endWhileADeliveryIsRefused_isDelivered() throws Exception {
    AtomicReference<TokenBuffer> self = new AtomicReference<>();
    TokenBuffer buffer =
        new TokenBuffer(
            task -> {
              if (self.get().end(null)) {
                self.get().deliver();
              }
              throw new RejectedExecutionException("planted");
            },
            () -> {},
            e -> {});
    self.set(buffer);
    TokenReader reader = new TokenReader(Long.MAX_VALUE);
    buffer.subscribe(reader);
    buffer.append(1);
    assertThat(reader.end).isCompletedWithValue("complete");
    assertThat(reader.tokens).containsExactly(1);
  }

  @Test
  void secondSubscriber_isRefusedAndTheFirstGoesOn() throws Exception {
    Generation generation = submit(5);
    TokenReader first = TokenReader.of(generation, Long.MAX_VALUE);
    TokenReader second = TokenReader.of(generation, Long.MAX_VALUE);
    executor.release(100);

    assertThat(second.awaitEnd()).contains("subscriber already");
    assertThat(first.awaitEnd()).isEqualTo("complete");
    assertThat(first.tokens).isEqualTo(upTo(5));
    assertThat(second.tokens).isEmpty();
  }

  @Test
  void lateSubscriber_getsEverything() throws Exception {
    Generation generation = submit(5);
    executor.release(100);
    result(generation);
    engine.close();
    TokenReader reader = TokenReader.of(generation, Long.MAX_VALUE);
    assertThat(reader.awaitEnd()).isEqualTo("complete");
    assertThat(reader.tokens).isEqualTo(upTo(5));
  }

  @Test
  void cancelledSubscription_cancelsTheGeneration() throws Exception {
    Generation generation = submit(90);
    TokenReader reader = TokenReader.of(generation, 1);
    executor.release(1);
    await().untilAsserted(() -> assertThat(reader.tokens).hasSize(1));
    reader.subscription.cancel();
    executor.release(1);

    assertThat(result(generation).finishReason()).isEqualTo(FinishReason.CANCELLED);
    executor.release(100);
    assertThat(reader.tokens).hasSize(1);
    assertThat(reader.end).isNotDone();
  }

  @Test
  void subscriberThatThrows_losesOnlyItsOwnGeneration() throws Exception {
    Generation bad = submit(90);
    Generation good = submit(20);
    bad.tokens()
        .subscribe(
            new TokenReader(Long.MAX_VALUE) {
              @Override
              public void onNext(Integer token) {
                throw new IllegalStateException("planted");
              }
            });
    executor.release(1_000);

    assertThat(result(bad).finishReason()).isEqualTo(FinishReason.CANCELLED);
    assertThat(result(good).tokens()).hasSize(20);
  }

  @Test
  void subscriberThatSubmits_isServed() throws Exception {
    Generation outer = submit(3);
    var inner = new java.util.concurrent.CompletableFuture<GenerationResult>();
    outer
        .tokens()
        .subscribe(
            new TokenReader(Long.MAX_VALUE) {
              @Override
              public void onComplete() {
                submit(4).result().thenAccept(inner::complete);
              }
            });
    executor.release(1_000);
    assertThat(inner.get(60, TimeUnit.SECONDS).outputTokens()).isEqualTo(4);
  }

  @Test
  void slowSubscriber_holdsUpNobodyElse() throws Exception {
    Generation slow = submit(30);
    TokenReader reader = TokenReader.of(slow, 1);
    Generation other = submit(30);
    executor.release(1_000);

    assertThat(result(other).outputTokens()).isEqualTo(30);
    assertThat(result(slow).outputTokens()).isEqualTo(30);
    await().untilAsserted(() -> assertThat(reader.tokens).hasSize(1));
  }

  private Generation submit(int maxNewTokens) {
    return engine.submit(GenerationRequest.builder(1).maxNewTokens(maxNewTokens).build());
  }

  private static List<Integer> upTo(int count) {
    return IntStream.range(1, count + 1).map(i -> i % 50).boxed().toList();
  }
}
