package dev.s3llm;

import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.SequenceOutcome;
import dev.s3llm.engine.sequence.SequenceSink;
import dev.s3llm.error.FirstTokenTooLateException;
import dev.s3llm.error.GenerationFailedException;
import dev.s3llm.error.GenerationFailedException.Reason;
import dev.s3llm.observe.LatencyEstimate;
import dev.s3llm.stream.TokenBuffer;
import dev.s3llm.support.CallbackGuard;
import dev.s3llm.support.Guard;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
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
  private final CallbackGuard callbacks;
  private final TokenBuffer buffer;
  private final CompletableFuture<GenerationResult> result = new CompletableFuture<>();
  private final CompletableFuture<Optional<LatencyEstimate>> estimate = new CompletableFuture<>();
  private final long submittedNanos;
  private volatile boolean estimated;
  private final Runnable canceller;
  private final Consumer<Generation> onEnd;

  /**
   * Creates the handle.
   *
   * @param request what the caller submitted
   * @param callbacks where user code runs
   * @param submittedNanos when it was submitted, by the engine's clock
   * @param canceller requests the end of the generation from the loop
   * @param onEnd receives this handle once, just before the result is completed
   * @param onCallbackFailure receives what a subscriber of the tokens threw
   */
  Generation(
      GenerationRequest request,
      Executor callbacks,
      long submittedNanos,
      Runnable canceller,
      Consumer<Generation> onEnd,
      Consumer<Throwable> onCallbackFailure) {
    this.request = request;
    this.callbacks = new CallbackGuard(callbacks);
    this.submittedNanos = submittedNanos;
    this.canceller = canceller;
    this.onEnd = onEnd;
    this.buffer = new TokenBuffer(callbacks, canceller, onCallbackFailure);
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
    canceller.run();
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
  void abandon(Failure failure, LongSupplier clock) {
    end(SequenceOutcome.abandoned(failure, elapsedNanos(clock)));
  }

  /** A broken clock may be the reason why the loop was given up. */
  private long elapsedNanos(LongSupplier clock) {
    long[] nanos = {submittedNanos};
    Guard.run(() -> nanos[0] = clock.getAsLong());
    return nanos[0] - submittedNanos;
  }

  /** The first end counts: the loop's, or that of whoever gave the loop up. */
  private void end(SequenceOutcome outcome) {
    Throwable failure = explained(outcome.failure());
    if (!buffer.end(failure)) {
      return;
    }
    Throwable thrown = Guard.run(() -> publish(outcome, failure));
    if (thrown != null) { // no memory for more than this
      onEnd.accept(this);
      result.completeExceptionally(thrown);
    }
  }

  private void publish(SequenceOutcome outcome, @Nullable Throwable failure) {
    buffer.deliver();
    if (!estimated) {
      complete(estimate, Optional.empty());
    }
    completeResult(
        new GenerationResult(id(), request.promptLength(), buffer.tokens(), outcome, failure));
  }

  /**
   * Its place is free only when the result is about to be read: results that nobody takes, because
   * callbacks block, then are no more than there are places.
   */
  private void completeResult(GenerationResult value) {
    callbacks.submitOrRun(
        () -> {
          onEnd.accept(this);
          result.complete(value);
        });
  }

  /** The failure as callers see it, or its cause where there is no memory for more. */
  private @Nullable Throwable explained(@Nullable Failure failure) {
    if (failure == null) {
      return null;
    }
    try {
      return exception(failure.kind(), failure.cause());
    } catch (OutOfMemoryError e) {
      return failure.cause();
    }
  }

  private Throwable exception(Failure.Kind kind, Throwable cause) {
    return switch (kind) {
      case REFUSED -> cause;
      case REQUEST -> new GenerationFailedException(id(), Reason.REQUEST_FAULT, cause);
      case STEP -> new GenerationFailedException(id(), Reason.STEP_FAILED, cause);
      case LOST -> new GenerationFailedException(id(), Reason.ENGINE_LOST, cause);
      case STUCK -> new GenerationFailedException(id(), Reason.ENGINE_STUCK, cause);
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
    callbacks.submitOrRun(() -> future.complete(value));
  }
}
