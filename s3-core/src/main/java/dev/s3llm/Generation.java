package dev.s3llm;

import dev.s3llm.engine.Failure;
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
 * callback executor, and on its loop only if that executor refuses it.
 */
public final class Generation {
  private final GenerationRequest request;
  private final Executor callbacks;
  private final TokenBuffer buffer;
  private final CompletableFuture<GenerationResult> result = new CompletableFuture<>();
  private final CompletableFuture<Optional<LatencyEstimate>> estimate = new CompletableFuture<>();
  private final long submittedNanos;
  private volatile boolean estimated;
  private final Consumer<Generation> canceller;
  private final Consumer<Generation> onEnd;

  /**
   * Creates the handle.
   *
   * @param canceller asks the loop for its end
   * @param onEnd told once, just before its result is handed over
   */
  Generation(
      GenerationRequest request,
      Executor callbacks,
      long submittedNanos,
      Consumer<Generation> canceller,
      Consumer<Generation> onEnd) {
    this.request = request;
    this.callbacks = callbacks;
    this.submittedNanos = submittedNanos;
    this.canceller = canceller;
    this.onEnd = onEnd;
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
  SequenceSink sink() {
    return new SequenceSink() {
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
        end(outcome);
      }
    };
  }

  /** Ends it without the loop, from any thread. What the loop says of it later is ignored. */
  void abandon(Failure failure, NanoClock clock) {
    end(SequenceOutcome.abandoned(failure, elapsedNanos(clock)));
  }

  private long elapsedNanos(NanoClock clock) {
    try {
      return clock.nanos() - submittedNanos;
    } catch (Throwable e) { // a broken clock may be why the loop was given up
      return 0;
    }
  }

  /** The first end counts: the loop's, or that of whoever gave the loop up. */
  private void end(SequenceOutcome outcome) {
    Throwable failure = explained(outcome.failure());
    if (!buffer.end(failure)) {
      return;
    }
    try {
      buffer.deliver();
      if (!estimated) {
        complete(estimate, Optional.empty());
      }
      handOver(
          new GenerationResult(id(), request.promptLength(), buffer.tokens(), outcome, failure));
    } catch (Throwable e) { // no memory for more than this
      onEnd.accept(this);
      result.completeExceptionally(e);
    }
  }

  /**
   * Its place is free only when the result is about to be read: results that nobody takes, because
   * callbacks block, then are no more than there are places.
   */
  private void handOver(GenerationResult value) {
    callBack(
        () -> {
          onEnd.accept(this);
          result.complete(value);
        });
  }

  /** The failure as callers see it; as it was thrown if no more can be said of it. */
  private @Nullable Throwable explained(@Nullable Failure failure) {
    try {
      return exception(failure);
    } catch (Throwable e) { // no memory
      return failure == null ? e : failure.cause();
    }
  }

  private @Nullable Throwable exception(@Nullable Failure failure) {
    if (failure == null) {
      return null;
    }
    Throwable cause = failure.cause();
    return switch (failure.kind()) {
      case REFUSED -> cause;
      case REQUEST -> new RequestFaultException(id(), cause);
      case STEP -> new StepFailedException(id(), cause);
      case LOST -> new EngineLostException(id(), cause);
      case STUCK -> new EngineStuckException(id(), cause);
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
    callBack(() -> future.complete(value));
  }

  private void callBack(Runnable task) {
    try {
      callbacks.execute(task);
    } catch (Throwable e) { // it refuses, or has no thread left
      task.run();
    }
  }
}
