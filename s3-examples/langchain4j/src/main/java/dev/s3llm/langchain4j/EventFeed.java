package dev.s3llm.langchain4j;

import dev.langchain4j.internal.InternalFlowUtils;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.CompleteResponse;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.text.TextGeneration;
import dev.s3llm.text.TextRequest;
import dev.s3llm.text.TextResult;
import dev.s3llm.text.tool.AnswerEvent;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Publishes one answer as events: its pieces in order, then the whole answer. The subscriber's
 * demand limits all events, the last one included.
 */
final class EventFeed implements Flow.Subscriber<AnswerEvent>, Flow.Subscription {
  private final S3Chat chat;
  private final TextGeneration generation;
  private final Flow.Subscriber<? super ChatModelStreamingEvent> subscriber;
  private final PartialEvents events = new PartialEvents();
  private final AtomicLong demand = new AtomicLong();
  private final AtomicBoolean over = new AtomicBoolean();
  private volatile Flow.@Nullable Subscription pieces;
  private volatile @Nullable ChatResponse whole;
  private volatile @Nullable Throwable misuse;

  private EventFeed(
      S3Chat chat,
      TextGeneration generation,
      Flow.Subscriber<? super ChatModelStreamingEvent> subscriber) {
    this.chat = chat;
    this.generation = generation;
    this.subscriber = subscriber;
  }

  /** Submits the request and subscribes; a refusal goes to the subscriber's {@code onError}. */
  static void start(
      S3Chat chat,
      TextRequest request,
      Flow.Subscriber<? super ChatModelStreamingEvent> subscriber) {
    TextGeneration generation;
    try {
      generation = chat.submit(request);
    } catch (RuntimeException e) {
      subscriber.onSubscribe(InternalFlowUtils.EMPTY_SUBSCRIPTION);
      subscriber.onError(e);
      return;
    }
    generation.events().subscribe(new EventFeed(chat, generation, subscriber));
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    pieces = subscription;
    subscriber.onSubscribe(this);
  }

  @Override
  public void onNext(AnswerEvent part) {
    ChatModelStreamingEvent event = events.of(part);
    Flow.Subscription active = pieces;
    if (event != null) {
      demand.decrementAndGet();
      subscriber.onNext(event);
    } else if (active != null) {
      active.request(1); // this part was not what the demand is for
    }
  }

  @Override
  public void onError(Throwable failure) {
    end(failure);
  }

  @Override
  public void onComplete() {
    end(null);
  }

  private void end(@Nullable Throwable failure) {
    CompletionStage<TextResult> results = generation.result();
    results.whenComplete(
        (result, error) -> {
          boolean saysMore = result == null || result.finishReason() == FinishReason.FAILED;
          if (failure == null || saysMore) {
            end(result, error);
          } else {
            fail(failure); // a failure of the stream only, such as a demand below 1
          }
        });
  }

  private void end(@Nullable TextResult result, @Nullable Throwable failure) {
    try {
      whole = chat.response(result, failure);
    } catch (RuntimeException e) {
      fail(e);
      return;
    }
    complete();
  }

  private void fail(Throwable failure) {
    if (over.compareAndSet(false, true)) {
      subscriber.onError(failure);
    }
  }

  /** Delivers the last event when it is available and the demand allows it. */
  private void complete() {
    ChatResponse response = whole;
    Throwable bad = misuse;
    if (response == null) {
      return;
    }
    if (bad != null) {
      fail(bad);
    } else if (demand.get() > 0 && over.compareAndSet(false, true)) {
      subscriber.onNext(new CompleteResponse(response));
      subscriber.onComplete();
    }
  }

  @Override
  public void request(long n) {
    if (n > 0) {
      demand.accumulateAndGet(n, (now, more) -> now + more < 0 ? Long.MAX_VALUE : now + more);
    } else {
      misuse = new IllegalArgumentException("request(n) needs n > 0, but n is " + n);
    }
    Flow.Subscription active = pieces;
    if (active != null) {
      active.request(n); // fails the stream if n is below 1 and text is left
    }
    complete();
  }

  @Override
  public void cancel() {
    over.set(true);
    Flow.Subscription active = pieces;
    if (active != null) {
      active.cancel();
    }
  }
}
