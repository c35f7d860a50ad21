package dev.s3llm.examples.plain;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;

/** A stream of text for a thread that may block: one piece is asked for at a time. */
final class Pieces implements Flow.Subscriber<String> {
  private static final String END = ""; // pieces are never empty

  private final BlockingQueue<String> arrived = new LinkedBlockingQueue<>();
  private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();

  /** The next piece; empty when there are no more, however it ended. */
  String next() throws InterruptedException {
    subscription.join().request(1);
    return arrived.take();
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription.complete(given);
  }

  @Override
  public void onNext(String piece) {
    arrived.add(piece);
  }

  @Override
  public void onError(Throwable failure) {
    arrived.add(END); // the result says what failed
  }

  @Override
  public void onComplete() {
    arrived.add(END);
  }
}
