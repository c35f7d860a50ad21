package dev.s3llm.text;

import dev.s3llm.text.internal.tokenizer.TextStream;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the tokens of a generation into text, and ends the generation at a stop string. Called by
 * one thread at a time.
 */
final class TextAssembly implements Flow.Subscriber<Integer> {
  private final TextStream stream;
  private final StopScanner scanner;
  private final TextBuffer buffer;
  private final StringBuilder text = new StringBuilder();
  private final int minTokens;
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private Flow.@Nullable Subscription tokens;
  private long received;

  /**
   * Creates an assembly.
   *
   * @param stream decodes the tokens
   * @param scanner finds stop strings
   * @param buffer receives the text
   * @param minTokens number of tokens in whose text no stop string may end, 0 or more
   */
  TextAssembly(TextStream stream, StopScanner scanner, TextBuffer buffer, int minTokens) {
    this.minTokens = minTokens;
    this.stream = stream;
    this.scanner = scanner;
    this.buffer = buffer;
  }

  /** The whole text, and the stop string that ended it. */
  record Ended(String text, Optional<String> stopString) {}

  /** Returns a future that completes with the text; exceptionally if tokens cannot be decoded. */
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
      return; // the token was delivered after the stop string was found
    }
    received++;
    scanner.arm(received > minTokens);
    try {
      emit(scanner.append(stream.append(token)));
      String hidden = stream.hiddenText(token);
      if (!hidden.isEmpty()) {
        emit(scanner.appendHidden(hidden));
      }
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
      emit(scanner.append(stream.finish()));
      emit(scanner.finish());
    } catch (RuntimeException | Error e) {
      fail(e);
      return;
    }
    end(scanner.found().isPresent() ? null : failure);
  }

  private void emit(String piece) {
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
