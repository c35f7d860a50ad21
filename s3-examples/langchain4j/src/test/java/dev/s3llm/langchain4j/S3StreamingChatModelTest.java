package dev.s3llm.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.CompleteResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Demand and events of the publisher, on scripted answers. */
class S3StreamingChatModelTest extends GeneratorFixture {

  @Test
  void publisher_honoursDemandToTheLastEvent() {
    useScript(Duration.ZERO);
    Events events = stream("What is the capital of Germany?");
    await().until(() -> generator.engine().snapshot().requests().ended().stopped() == 1);
    assertThat(events.received).isEmpty();

    StringBuilder text = new StringBuilder();
    for (int n = 1; !events.completed.isDone(); n++) {
      events.subscription.request(1);
      int wanted = n;
      await().until(() -> events.received.size() == wanted);
      if (events.received.get(n - 1) instanceof PartialResponse piece) {
        text.append(piece.text());
      } else {
        events.completed.join();
      }
    }
    assertThat(text).hasToString("The capital of Germany is Berlin.");
    CompleteResponse last = (CompleteResponse) events.received.get(events.received.size() - 1);
    assertThat(last.chatResponse().aiMessage().text()).isEqualTo(text.toString());
  }

  @Test
  void demandBelowOne_isAnErrorAndCancelsTheGeneration() {
    CompletableFuture<Void> gate = useGate(2);
    Events events = stream("Tell me a long story");
    events.subscription.request(0);
    gate.complete(null);

    assertThatThrownBy(events.completed::join)
        .hasCauseInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("n is 0");
    assertThat(events.received).isEmpty();
    await().until(() -> generator.engine().snapshot().requests().ended().cancelled() == 1);
  }

  @Test
  void demandBelowOneAfterTheText_isAnErrorToo() {
    useScript(Duration.ZERO);
    Events events = stream("hello");
    StringBuilder text = new StringBuilder();
    for (int n = 1; !text.toString().endsWith("you?"); n++) {
      events.subscription.request(1);
      int wanted = n;
      await().until(() -> events.received.size() == wanted);
      text.append(((PartialResponse) events.received.get(n - 1)).text());
    }
    await().until(() -> generator.engine().snapshot().requests().ended().stopped() == 1);
    events.subscription.request(-1);

    assertThatThrownBy(() -> events.completed.get(10, TimeUnit.SECONDS))
        .hasCauseInstanceOf(IllegalArgumentException.class);
  }

  private Events stream(String question) {
    Events events = new Events();
    S3StreamingChatModel.builder(generator)
        .build()
        .chat(UserMessage.from(question))
        .subscribe(events);
    return events;
  }

  /** Records the events; the test requests them. */
  private static final class Events implements Flow.Subscriber<ChatModelStreamingEvent> {
    final List<ChatModelStreamingEvent> received = new CopyOnWriteArrayList<>();
    final CompletableFuture<Void> completed = new CompletableFuture<>();
    volatile Flow.Subscription subscription;

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
    }

    @Override
    public void onNext(ChatModelStreamingEvent event) {
      received.add(event);
    }

    @Override
    public void onError(Throwable failure) {
      completed.completeExceptionally(failure);
    }

    @Override
    public void onComplete() {
      completed.complete(null);
    }
  }
}
