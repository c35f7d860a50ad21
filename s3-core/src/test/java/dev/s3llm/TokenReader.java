package dev.s3llm;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;

/** A subscriber that records its tokens and requests as many as the test wants. */
class TokenReader implements Flow.Subscriber<Integer> {
  final List<Integer> tokens = new CopyOnWriteArrayList<>();
  final CompletableFuture<String> end = new CompletableFuture<>();
  private final long initialDemand;
  volatile Flow.Subscription subscription;

  TokenReader(long initialDemand) {
    this.initialDemand = initialDemand;
  }

  static TokenReader of(Generation generation, long initialDemand) {
    TokenReader reader = new TokenReader(initialDemand);
    generation.tokens().subscribe(reader);
    return reader;
  }

  /** How the stream has ended: "complete", or the message of the error. */
  String awaitEnd() throws Exception {
    return end.get(60, TimeUnit.SECONDS);
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    if (initialDemand > 0) {
      given.request(initialDemand);
    }
  }

  @Override
  public void onNext(Integer token) {
    if (end.isDone()) {
      throw new AssertionError("a token after the end");
    }
    tokens.add(token);
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
