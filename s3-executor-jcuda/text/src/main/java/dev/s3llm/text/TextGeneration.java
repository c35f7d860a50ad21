package dev.s3llm.text;

import dev.s3llm.Generation;
import dev.s3llm.GenerationResult;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.text.tokenizer.TextStream;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The handle of an accepted request: a future of its result, a stream of its text, and a way to
 * cancel.
 *
 * <p>Text is decoded and stop strings take effect as tokens come, whether or not anybody reads it.
 * Thread-safe. User code (stream subscribers, dependents of the future) runs on the engine's
 * callback executor.
 */
public final class TextGeneration {
  private static final Logger log = LoggerFactory.getLogger(TextGeneration.class);

  private final Generation generation;
  private final TextBuffer buffer;
  private final CompletableFuture<TextAssembly.Ended> text;
  private final CompletableFuture<TextResult> result;

  private TextGeneration(
      Generation generation, TextBuffer buffer, CompletableFuture<TextAssembly.Ended> text) {
    this.generation = generation;
    this.buffer = buffer;
    this.text = text;
    this.result = text.thenCombine(generation.result(), TextGeneration::result);
  }

  static TextGeneration start(
      Generation generation, TextStream stream, List<String> stopStrings, Executor callbacks) {
    TextBuffer buffer =
        new TextBuffer(
            callbacks, generation::cancel, failure -> subscriberFailed(generation.id(), failure));
    TextAssembly assembly = new TextAssembly(stream, new StopScanner(stopStrings), buffer);
    TextGeneration handle = new TextGeneration(generation, buffer, assembly.ended());
    generation.tokens().subscribe(assembly);
    return handle;
  }

  /** Logs what a subscriber threw; at most once a generation, since it is not called again. */
  private static void subscriberFailed(String requestId, Throwable failure) {
    log.warn("the text subscriber of request {} threw; the request is cancelled", requestId, failure);
  }

  /** Runs a task once the tokenizer is not needed any more. */
  void whenDecoded(Runnable task) {
    var unused = text.whenComplete((ended, error) -> task.run());
  }

  private static TextResult result(TextAssembly.Ended text, GenerationResult tokens) {
    FinishReason reason = text.stopString().isPresent() ? FinishReason.STOP : tokens.finishReason();
    return new TextResult(text.text(), reason, text.stopString(), tokens);
  }

  /** The request's id. */
  public String id() {
    return generation.id();
  }

  /**
   * The text in pieces, in order, from the first on, for one subscriber. A piece holds whole
   * characters, is never empty, and never holds a stop string or a part of one that ended the
   * answer: what could be the beginning of a stop string waits until that is known. Demand is
   * honoured and counts pieces; what was not asked for yet waits in the generation's own buffer,
   * which cannot grow beyond the output limit. Completes however the generation ends, but for a
   * failure, which it hands on after the text that came before. Cancelling the subscription cancels
   * the generation.
   */
  public Flow.Publisher<String> text() {
    return buffer;
  }

  /**
   * The result; completes normally however the generation ends ({@link TextResult#finishReason}),
   * and exceptionally only if its tokens cannot be decoded, because the model was closed.
   * Completing or cancelling this future has no effect on the generation: it is a copy.
   */
  public CompletableFuture<TextResult> result() {
    return result.copy();
  }

  /** What it can expect, as {@link Generation#estimate} says. */
  public CompletableFuture<Optional<LatencyEstimate>> estimate() {
    return generation.estimate();
  }

  /** Asks for the end. Idempotent, legal at any time; what was generated stays in the result. */
  public void cancel() {
    generation.cancel();
  }

  /** The generation in tokens underneath. Its token stream is taken: this handle reads it. */
  public Generation generation() {
    return generation;
  }
}
