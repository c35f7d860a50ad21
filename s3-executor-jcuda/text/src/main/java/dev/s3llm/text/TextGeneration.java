package dev.s3llm.text;

import dev.s3llm.Generation;
import dev.s3llm.GenerationResult;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.text.internal.tokenizer.TextStream;
import dev.s3llm.text.tool.AnswerEvent;
import dev.s3llm.text.tool.AnswerParser;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The handle of an accepted request: a future of its result, a stream of its text, and a way to
 * cancel it.
 *
 * <p>Text is decoded and stop strings take effect as tokens arrive, whether or not anyone reads the
 * stream. Thread-safe. Stream subscribers and dependents of the futures run on the engine's
 * callback executor.
 */
public final class TextGeneration {
  private static final Logger log = LoggerFactory.getLogger(TextGeneration.class);

  private final Generation generation;
  private final TextBuffer<AnswerEvent> buffer;
  private final CompletableFuture<TextAssembly.Ended> text;
  private final CompletableFuture<TextResult> result;

  private TextGeneration(
      Generation generation,
      TextBuffer<AnswerEvent> buffer,
      CompletableFuture<TextAssembly.Ended> text) {
    this.generation = generation;
    this.buffer = buffer;
    this.text = text;
    this.result = text.thenCombine(generation.result(), TextGeneration::result);
  }

  /**
   * The strings that end an answer.
   *
   * @param strings the strings
   * @param minTokens number of tokens in whose text none of them may end, 0 or more
   */
  record Stops(List<String> strings, int minTokens) {}

  static TextGeneration start(
      Generation generation,
      TextStream stream,
      @Nullable AnswerParser parser,
      Stops stops,
      Executor callbacks) {
    TextBuffer<AnswerEvent> buffer =
        new TextBuffer<>(
            callbacks, generation::cancel, failure -> subscriberFailed(generation.id(), failure));
    TextAssembly assembly = new TextAssembly(stream, parser, stops, buffer);
    TextGeneration handle = new TextGeneration(generation, buffer, assembly.ended());
    generation.tokens().subscribe(assembly);
    return handle;
  }

  /** Logs what a subscriber threw; at most once a generation, since it is not called again. */
  private static void subscriberFailed(String requestId, Throwable failure) {
    log.warn(
        "the text subscriber of request {} threw; the request is cancelled", requestId, failure);
  }

  /** Runs a task once the tokenizer is not needed any more. */
  void whenDecoded(Runnable task) {
    var unused = text.whenComplete((ended, error) -> task.run());
  }

  private static TextResult result(TextAssembly.Ended text, GenerationResult tokens) {
    FinishReason reason = text.stopString().isPresent() ? FinishReason.STOP : tokens.finishReason();
    return new TextResult(
        text.text(),
        text.reasoning(),
        text.toolCalls(),
        reason,
        text.stopString(),
        text.reasoningTokens(),
        tokens);
  }

  /** Returns the request's id. */
  public String id() {
    return generation.id();
  }

  /**
   * Returns the content of the answer as a stream of pieces, in order and from the first on, for
   * one subscriber: of this stream or of {@link #events}. Reasoning and calls are left out. A piece
   * holds whole characters, is never empty, and never holds a part of the stop string that ended
   * the answer: text that may begin a stop string is held back until that is decided.
   *
   * <p>Demand counts pieces; pieces that were not requested yet stay in a buffer of the generation,
   * which cannot exceed its output limit. The stream completes however the generation ends, except
   * after a failure, which it signals behind the text before it. Cancelling the subscription
   * cancels the generation. A subscriber that throws is logged at WARN and not called again, and
   * its generation is cancelled.
   */
  public Flow.Publisher<String> text() {
    return new ContentPublisher(buffer);
  }

  /**
   * Returns all parts of the answer as a stream, in order and from the first on, for one
   * subscriber: of this stream or of {@link #text}, whose rules of demand, end and cancellation
   * apply.
   *
   * <p>The parts are those of {@link TextRequest.Builder#answerFormat}. An answer to a prompt is
   * content alone.
   */
  public Flow.Publisher<AnswerEvent> events() {
    return buffer;
  }

  /**
   * Returns the future of the result. It completes normally however the generation ends ({@link
   * TextResult#finishReason}), and exceptionally only if its tokens cannot be decoded because the
   * model was closed. The future is a copy: completing or cancelling it has no effect on the
   * generation.
   */
  public CompletableFuture<TextResult> result() {
    return result.copy();
  }

  /** Returns the future of the expected latency, as {@link Generation#estimate} does. */
  public CompletableFuture<Optional<LatencyEstimate>> estimate() {
    return generation.estimate();
  }

  /**
   * Cancels the generation; the text so far stays in the result. Idempotent, and allowed at any
   * time.
   */
  public void cancel() {
    generation.cancel();
  }

  /** Returns the generation in tokens. Its token stream has a subscriber already: this handle. */
  public Generation generation() {
    return generation;
  }
}
