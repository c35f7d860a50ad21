package dev.s3llm;

import static dev.s3llm.Engines.result;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.s3llm.observe.FinishReason;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;

/** A token subscriber that throws: its request is cancelled, and the failure can be found. */
class SubscriberFailureTest {

  @Test
  void subscriberThatThrows_isCountedAndItsRequestCancelled() throws Exception {
    FakeExecutor executor = FakeExecutor.held();
    try (S3Engine engine = S3Engine.builder(executor).build()) {
      Generation generation = Engines.submit(engine, 50);
      generation.tokens().subscribe(new Throwing());
      executor.release(3);
      await().until(() -> engine.snapshot().faults().callbackFailures() == 1);
      executor.release(100);
      assertThat(result(generation).finishReason()).isEqualTo(FinishReason.CANCELLED);
      Engines.assertServes(engine);
    }
  }

  private static final class Throwing implements Flow.Subscriber<Integer> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Integer token) {
      throw new IllegalStateException("planted");
    }

    @Override
    public void onError(Throwable cause) {}

    @Override
    public void onComplete() {}
  }
}
