package dev.s3llm.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Mistakes of a subscriber end the generation, since its text is not read any more. */
class TextBufferTest {
  private final AtomicInteger cancels = new AtomicInteger();
  private final List<Throwable> failures = new ArrayList<>();
  private final TextBuffer<String> buffer =
      new TextBuffer<>(Runnable::run, cancels::incrementAndGet, failures::add);

  @Test
  void demandBelowOne_isAnErrorAndCancels() {
    Reader reader = new Reader(0);
    buffer.append("a");
    buffer.subscribe(reader);
    assertThat(reader.heard).containsExactly("request(n) needs n > 0, but n is 0");
    assertThat(cancels).hasValue(1);
    buffer.append("b");
    buffer.finish(null);
    assertThat(reader.heard).hasSize(1);
  }

  @Test
  void subscriberThatThrowsWhatIsNotDeclared_isNotCalledAgainAndCancels() {
    Reader reader =
        new Reader(Long.MAX_VALUE) {
          @Override
          public void onNext(String piece) {
            super.onNext(piece);
            sneak(new IOException("planted")); // as Kotlin may
          }
        };
    buffer.subscribe(reader);
    buffer.append("a");
    buffer.append("b");
    buffer.finish(null);
    assertThat(reader.heard).containsExactly("a");
    assertThat(cancels).hasValue(1);
    assertThat(failures).singleElement().isInstanceOf(IOException.class);
  }

  @Test
  void subscriberThatThrowsAtOnce_hearsSoAndCancels() {
    Reader reader =
        new Reader(Long.MAX_VALUE) {
          @Override
          public void onSubscribe(Flow.Subscription subscription) {
            super.onSubscribe(subscription);
            sneak(new IOException("planted"));
          }
        };
    buffer.append("a");
    assertThatThrownBy(() -> buffer.subscribe(reader)).hasMessage("planted");
    buffer.finish(null);
    assertThat(reader.heard).isEmpty();
    assertThat(cancels).hasValue(1);
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable thrown) throws T {
    throw (T) thrown;
  }

  private static class Reader implements Flow.Subscriber<String> {
    final List<String> heard = new ArrayList<>();
    private final long demand;

    Reader(long demand) {
      this.demand = demand;
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(demand);
    }

    @Override
    public void onNext(String piece) {
      heard.add(piece);
    }

    @Override
    public void onError(Throwable error) {
      heard.add(error.getMessage());
    }

    @Override
    public void onComplete() {
      heard.add("complete");
    }
  }
}
