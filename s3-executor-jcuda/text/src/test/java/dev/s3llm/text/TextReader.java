package dev.s3llm.text;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;

/** A subscriber that records its calls. */
final class TextReader implements Flow.Subscriber<String> {
  final List<String> pieces = new CopyOnWriteArrayList<>();
  private final CompletableFuture<String> end = new CompletableFuture<>();
  private final long demand;
  volatile Flow.Subscription subscription;

  private TextReader(long demand) {
    this.demand = demand;
  }

  static TextReader of(TextGeneration generation, long demand) {
    TextReader reader = new TextReader(demand);
    generation.text().subscribe(reader);
    return reader;
  }

  static TextReader of(TextGeneration generation) {
    return of(generation, Long.MAX_VALUE);
  }

  /** Returns how the stream ended: "complete", or the error's message. */
  String awaitEnd() throws Exception {
    return end.get(30, TimeUnit.SECONDS);
  }

  boolean ended() {
    return end.isDone();
  }

  String text() {
    return String.join("", pieces);
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    if (demand != 0) {
      given.request(demand);
    }
  }

  @Override
  public void onNext(String piece) {
    pieces.add(piece);
  }

  @Override
  public void onError(Throwable error) {
    end.complete(String.valueOf(error.getMessage()));
  }

  @Override
  public void onComplete() {
    end.complete("complete");
  }
}
