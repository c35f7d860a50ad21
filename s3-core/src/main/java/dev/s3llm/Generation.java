package dev.s3llm;

import dev.s3llm.engine.SequenceOutcome;
import dev.s3llm.engine.SequenceSink;
import dev.s3llm.observe.LatencyEstimate;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The handle of an accepted request: a future of its result, a stream of its tokens, and a way to
 * cancel.
 *
 * <p>Thread-safe. User code (stream subscribers, dependents of the future) runs on the engine's
 * callback executor, never on its loop.
 */
public final class Generation {
  private final GenerationRequest request;
  private final Executor callbacks;
  private final TokenBuffer buffer;
  private final CompletableFuture<GenerationResult> result = new CompletableFuture<>();
  private final CompletableFuture<Optional<LatencyEstimate>> estimate = new CompletableFuture<>();
  private final Consumer<Generation> canceller;

  Generation(GenerationRequest request, Executor callbacks, Consumer<Generation> canceller) {
    this.request = request;
    this.callbacks = callbacks;
    this.canceller = canceller;
    this.buffer = new TokenBuffer(callbacks, this::cancel);
  }

  /** The request's id. */
  public String id() {
    return request.id();
  }

  /** What was asked. */
  public GenerationRequest request() {
    return request;
  }

  /**
   * The result; completes normally however the generation ends ({@link
   * GenerationResult#finishReason}). Completing or cancelling this future has no effect on the
   * generation: it is a copy.
   */
  public CompletableFuture<GenerationResult> result() {
    return result.copy();
  }

  /**
   * What it can expect: wait, first token, finish. Completes when its length has been predicted and
   * it has joined the queue, or when it ends before; empty if it ended before, or while the engine
   * has not yet run the few steps that it takes to know.
   */
  public CompletableFuture<Optional<LatencyEstimate>> estimate() {
    return estimate.copy();
  }

  /**
   * The tokens, in order, from the first on, for one subscriber. Demand is honoured: tokens that
   * the subscriber has not asked for wait in the generation's own buffer, which cannot grow beyond
   * its output limit. Cancelling the subscription cancels the generation.
   */
  public Flow.Publisher<Integer> tokens() {
    return buffer;
  }

  /** Asks for the end. Idempotent, legal at any time; what was generated stays in the result. */
  public void cancel() {
    canceller.accept(this);
  }

  /** The loop's side of a generation. */
  SequenceSink sink(Consumer<Generation> onEnd) {
    return new SequenceSink() {
      private boolean estimated;

      @Override
      public @Nullable RuntimeException onQueued(@Nullable LatencyEstimate expected) {
        estimated = true;
        complete(estimate, Optional.ofNullable(expected));
        return expected == null ? null : tooLate(expected);
      }

      @Override
      public void onToken(int token) {
        buffer.append(token);
      }

      @Override
      public void onEnd(SequenceOutcome outcome) {
        onEnd.accept(Generation.this);
        int[] tokens = buffer.end(outcome);
        if (!estimated) {
          complete(estimate, Optional.empty());
        }
        complete(result, new GenerationResult(id(), request.promptLength(), tokens, outcome));
      }
    };
  }

  private @Nullable RuntimeException tooLate(LatencyEstimate expected) {
    return request
        .firstTokenWithin()
        .filter(limit -> expected.firstToken().compareTo(limit) > 0)
        .map(limit -> new FirstTokenTooLateException(id(), expected.firstToken(), limit))
        .orElse(null);
  }

  private <T> void complete(CompletableFuture<T> future, T value) {
    try {
      callbacks.execute(() -> future.complete(value));
    } catch (RuntimeException | Error e) { // shut down, or out of threads: somebody waits for it
      future.complete(value);
    }
  }
}
