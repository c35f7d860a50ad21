package dev.s3llm.text;

import dev.s3llm.text.tokenizer.TextStream;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** Makes text of a generation's tokens, and ends the generation at a stop string. */
final class TextAssembly implements Flow.Subscriber<Integer> {
  private final TextStream stream;
  private final StopScanner scanner;
  private final TextBuffer buffer;
  private final StringBuilder text = new StringBuilder();
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private Flow.@Nullable Subscription tokens;

  TextAssembly(TextStream stream, StopScanner scanner, TextBuffer buffer) {
    this.stream = stream;
    this.scanner = scanner;
    this.buffer = buffer;
  }

  /** All text, and the stop string that ended it. */
  record Ended(String text, Optional<String> stopString) {}

  /** Completes when no more text will come; exceptionally if tokens cannot be decoded. */
  CompletableFuture<Ended> ended() {
    return ended;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    tokens = subscription;
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(Integer token) {
    if (ended.isDone()) {
      return; // it was on its way when the stop string was found
    }
    try {
      hand(scanner.append(stream.append(token)));
    } catch (RuntimeException | Error e) {
      fail(e);
    }
    if (scanner.found().isPresent()) {
      end(null);
    }
    if (ended.isDone() && tokens != null) {
      tokens.cancel();
    }
  }

  @Override
  public void onError(Throwable failure) {
    finish(failure);
  }

  @Override
  public void onComplete() {
    finish(null);
  }

  private void finish(@Nullable Throwable failure) {
    if (ended.isDone()) {
      return;
    }
    try {
      hand(scanner.append(stream.finish()));
      hand(scanner.finish());
    } catch (RuntimeException | Error e) {
      fail(e);
      return;
    }
    end(scanner.found().isPresent() ? null : failure);
  }

  private void hand(String piece) {
    if (!piece.isEmpty()) {
      text.append(piece);
      buffer.append(piece);
    }
  }

  private void end(@Nullable Throwable failure) {
    buffer.finish(failure);
    ended.complete(new Ended(text.toString(), scanner.found()));
  }

  private void fail(Throwable cause) {
    buffer.finish(cause);
    ended.completeExceptionally(cause);
  }
}
