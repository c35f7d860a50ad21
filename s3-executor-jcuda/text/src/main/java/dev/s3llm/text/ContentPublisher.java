package dev.s3llm.text;

import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerEvent.Content;
import java.util.Objects;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * Publishes the content of an answer alone.
 *
 * @param events all parts of the answer
 */
record ContentPublisher(Flow.Publisher<AnswerEvent> events) implements Flow.Publisher<String> {
  @Override
  public void subscribe(Flow.Subscriber<? super String> subscriber) {
    events.subscribe(new Filter(subscriber));
  }

  private static final class Filter implements Flow.Subscriber<AnswerEvent> {
    private final Flow.Subscriber<? super String> subscriber;
    private Flow.@Nullable Subscription subscription;

    Filter(Flow.Subscriber<? super String> subscriber) {
      this.subscriber = Objects.requireNonNull(subscriber, "subscriber");
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      subscriber.onSubscribe(given);
    }

    @Override
    public void onNext(AnswerEvent event) {
      if (event instanceof Content content) {
        subscriber.onNext(content.text());
      } else if (subscription != null) {
        subscription.request(1); // this part was not what the demand is for
      }
    }

    @Override
    public void onError(Throwable failure) {
      subscriber.onError(failure);
    }

    @Override
    public void onComplete() {
      subscriber.onComplete();
    }
  }
}
