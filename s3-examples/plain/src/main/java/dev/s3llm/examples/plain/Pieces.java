package dev.s3llm.examples.plain;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;

/** A stream of text for one thread that may block. It requests one piece at a time. */
final class Pieces implements Flow.Subscriber<String> {
  private static final String END = ""; // pieces are never empty

  private final BlockingQueue<String> arrived = new LinkedBlockingQueue<>();
  private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();

  /**
   * Waits for the next piece.
   *
   * @return the piece; empty after the end of the stream, also if it failed
   * @throws InterruptedException if the thread is interrupted
   */
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
    arrived.add(END); // the result has the failure
  }

  @Override
  public void onComplete() {
    arrived.add(END);
  }
}
