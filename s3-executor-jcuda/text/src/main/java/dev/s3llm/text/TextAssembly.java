package dev.s3llm.text;

import dev.s3llm.text.internal.tokenizer.TextStream;
import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerEvent.Content;
import dev.s3llm.text.tool.AnswerParser;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * Decodes the tokens of a generation into the parts of an answer, and ends the generation at a stop
 * string. Stop strings are searched in the content alone. Called by one thread at a time.
 */
final class TextAssembly implements Flow.Subscriber<Integer> {
  private final TextStream stream;
  private final @Nullable AnswerParser parser;
  private final StopScanner scanner;
  private final TextBuffer<AnswerEvent> buffer;
  private final AnswerRecord answer = new AnswerRecord();
  private final int minTokens;
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private Flow.@Nullable Subscription tokens;
  private long received;
  private int reasoningTokens;

  /**
   * Creates an assembly.
   *
   * @param stream decodes the tokens
   * @param parser splits the text into its parts; null if all of it is content
   * @param stops the strings that end the answer
   * @param buffer receives the parts
   */
  TextAssembly(
      TextStream stream,
      @Nullable AnswerParser parser,
      TextGeneration.Stops stops,
      TextBuffer<AnswerEvent> buffer) {
    this.stream = stream;
    this.parser = parser;
    this.scanner = new StopScanner(stops.strings());
    this.minTokens = stops.minTokens();
    this.buffer = buffer;
  }

  /** The whole answer, and the stop string that ended it. */
  record Ended(
      String text,
      String reasoning,
      List<ToolCall> toolCalls,
      int reasoningTokens,
      Optional<String> stopString) {}

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
      append(token);
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

  private void append(int token) {
    String piece = stream.append(token);
    String hidden = stream.hiddenText(token);
    AnswerParser split = parser;
    if (split == null) {
      emit(scanner.append(piece));
      if (!hidden.isEmpty()) {
        emit(scanner.appendHidden(hidden));
      }
      return;
    }
    boolean reasoning = split.inReasoning();
    if (!hidden.isEmpty()) {
      piece = stream.finish(); // a marker comes behind the text that waits for its last bytes
    }
    if (!piece.isEmpty()) {
      emit(split.text(piece));
    }
    if (!hidden.isEmpty()) {
      emit(split.special(hidden));
      if (!split.inReasoning()) {
        emit(scanner.appendHidden(hidden));
      }
    }
    reasoningTokens += reasoning || split.inReasoning() ? 1 : 0;
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
      String piece = stream.finish();
      if (parser == null) {
        emit(scanner.append(piece));
      } else {
        emit(parser.text(piece));
        emit(parser.finish());
      }
      emit(scanner.finish());
    } catch (RuntimeException | Error e) {
      fail(e);
      return;
    }
    end(scanner.found().isPresent() ? null : failure);
  }

  /** Passes events on, until a stop string is complete. */
  private void emit(List<AnswerEvent> events) {
    for (AnswerEvent event : events) {
      if (scanner.found().isPresent()) {
        return;
      }
      if (event instanceof Content content) {
        emit(scanner.append(content.text()));
      } else {
        emit(scanner.finish()); // no stop string reaches over another part of the answer
        pass(event);
      }
    }
  }

  private void emit(String piece) {
    if (!piece.isEmpty()) {
      pass(new Content(piece));
    }
  }

  private void pass(AnswerEvent event) {
    answer.add(event);
    buffer.append(event);
  }

  private void end(@Nullable Throwable failure) {
    buffer.finish(failure);
    ended.complete(
        new Ended(
            answer.content(),
            answer.reasoning(),
            answer.calls(),
            reasoningTokens,
            scanner.found()));
  }

  private void fail(Throwable cause) {
    buffer.finish(cause);
    ended.completeExceptionally(cause);
  }
}
