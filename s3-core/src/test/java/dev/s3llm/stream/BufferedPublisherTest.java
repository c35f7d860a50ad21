package dev.s3llm.stream;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Tests with faulty subclasses; {@code TokenStreamTest} has the other tests. */
class BufferedPublisherTest {
  private final AtomicInteger cancels = new AtomicInteger();
  private final List<String> heard = new ArrayList<>();

  @Test
  void itemThatCannotBeTaken_endsTheStreamAndCancels() {
    Counting counting = new Counting();
    counting.subscribe(new Reader());
    counting.add();
    assertThat(heard).containsExactly("0");
    counting.broken = true;
    counting.add();
    counting.broken = false;
    counting.add();
    counting.end(null);
    counting.deliver();
    assertThat(heard).containsExactly("0", "no memory");
    assertThat(cancels).hasValue(1);
  }

  /** A publisher of 0, 1, 2 and so on. */
  private final class Counting extends BufferedPublisher<Integer> {
    boolean broken;
    private int count;
    private int delivered;

    Counting() {
      super(Runnable::run, cancels::incrementAndGet, e -> {});
    }

    void add() {
      lock.lock();
      try {
        count++;
      } finally {
        lock.unlock();
      }
      appended();
    }

    @Override
    protected boolean isEmpty() {
      return delivered == count;
    }

    @Override
    protected Integer next() {
      if (broken) {
        throw new OutOfMemoryError("no memory");
      }
      return delivered++;
    }
  }

  private final class Reader implements Flow.Subscriber<Integer> {
    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      subscription.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(Integer item) {
      heard.add(item.toString());
    }

    @Override
    public void onError(Throwable failure) {
      heard.add(failure.getMessage());
    }

    @Override
    public void onComplete() {
      heard.add("complete");
    }
  }
}
