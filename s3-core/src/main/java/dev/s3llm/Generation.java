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
 * The handle of an accepted request: a future of its result, a stream of its tokens, and its
 * cancellation.
 *
 * <p>Thread-safe. User code (stream subscribers, dependents of the futures) runs on the engine's
 * callback executor; if that executor refuses a task, it runs on one of the engine's threads.
 */
public final class Generation {
  private final GenerationRequest request;
  private final CallbackGuard callbacks;
  private final TokenBuffer buffer;
  private final CompletableFuture<GenerationResult> result = new CompletableFuture<>();
  private final CompletableFuture<Optional<LatencyEstimate>> estimate = new CompletableFuture<>();
  private final @Nullable ScoreBuffer scores;
  private final long submittedNanos;
  private volatile boolean estimated;
  private final Runnable canceller;
  private final Consumer<Generation> onEnd;

  /**
   * Creates the handle.
   *
   * @param request the submitted request
   * @param callbacks runs user code
   * @param submittedNanos time of submission, in nanoseconds of the engine's clock
   * @param canceller requests the cancellation from the loop
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
    int alternatives = request.logProbabilities();
    this.scores = alternatives < 0 ? null : new ScoreBuffer(alternatives);
  }

  /** Returns the id of the request. */
  public String id() {
    return request.id();
  }

  /** Returns the tenant of the request. */
  String tenant() {
    return request.tenant();
  }

  /** Returns the request. */
  public GenerationRequest request() {
    return request;
  }

  /**
   * Returns a future of the result. It completes normally even if the generation fails; {@link
   * GenerationResult#finishReason} says how it ended. (Only if memory runs out while the result is
   * made, it completes exceptionally.) The future is a copy: completing or cancelling it has no
   * effect on the generation.
   */
  public CompletableFuture<GenerationResult> result() {
    return result.copy();
  }

  /**
   * Returns a future of the expected times of queueing, first token and end. It completes when the
   * request joins the queue, or when it ends before that. It is empty if the request ended before
   * it joined the queue, or if the engine has run too few steps for an estimate.
   */
  public CompletableFuture<Optional<LatencyEstimate>> estimate() {
    return estimate.copy();
  }

  /**
   * Returns the stream of all generated tokens, in order, for one subscriber; a second one receives
   * an {@link IllegalStateException}. Tokens that the subscriber has not requested wait in a
   * buffer, which is bounded by the output limit. Cancelling the subscription cancels the
   * generation.
   */
  public Flow.Publisher<Integer> tokens() {
    return buffer;
  }

  /**
   * Returns the log probabilities of a token, if the request asked for them ({@link
   * GenerationRequest.Builder#logProbabilities}). Those of a token are there before the token is in
   * the stream. Empty if there is no such token yet, or if the executor returned none for it.
   *
   * @param index number of the token in the output, from 0
   */
  public Optional<GenerationResult.TokenScores> scores(int index) {
    return scores == null ? Optional.empty() : Optional.ofNullable(scores.get(index));
  }

  /**
   * Cancels the generation; the tokens generated so far stay in the result. Does nothing if it has
   * ended. Returns at once: the loop ends the generation in its next pass.
   */
  public void cancel() {
    canceller.run();
  }

  /** Returns the sink through which the loop delivers tokens and the end. */
  SequenceSink sink() {
    return new SequenceSink() {
      @Override
      public @Nullable RuntimeException onQueued(@Nullable LatencyEstimate expected) {
        estimated = true;
        complete(estimate, Optional.ofNullable(expected));
        return expected == null ? null : tooLate(expected);
      }

      @Override
      public void onLogProbabilities(int index, float[] values, int[] tokens, int first) {
        if (scores != null) {
          scores.set(index, values, tokens, first);
        }
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

  /**
   * Fails the generation without the loop, from any thread; later events of the loop are ignored.
   */
  void abandon(Failure failure, LongSupplier clock) {
    end(SequenceOutcome.abandoned(failure, elapsedNanos(clock)));
  }

  /** Returns the time since submission, or 0 if the clock throws: it may be why the loop failed. */
  private long elapsedNanos(LongSupplier clock) {
    long[] nanos = {submittedNanos};
    Guard.run(() -> nanos[0] = clock.getAsLong());
    return nanos[0] - submittedNanos;
  }

  /** Ends the generation, unless the loop or the watchdog has ended it before. */
  private void end(SequenceOutcome outcome) {
    Throwable failure = exception(outcome.failure());
    if (!buffer.end(failure)) {
      return;
    }
    Throwable thrown = Guard.run(() -> publish(outcome, failure));
    if (thrown != null) { // out of memory: the shortest way to an end
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
        new GenerationResult(
            id(), request.promptLength(), buffer.tokens(), scores, outcome, failure));
  }

  /**
   * Completes the result, and frees the request's place just before. A place stays taken until the
   * callback executor gets here: so blocked callbacks cannot collect more results than there are
   * places.
   */
  private void completeResult(GenerationResult value) {
    callbacks.submitOrRun(
        () -> {
          onEnd.accept(this);
          result.complete(value);
        });
  }

  /** Returns the exception that callers get, or just its cause if there is no memory for more. */
  private @Nullable Throwable exception(@Nullable Failure failure) {
    if (failure == null) {
      return null;
    }
    try {
      return exceptionOf(failure.kind(), failure.cause());
    } catch (OutOfMemoryError e) {
      return failure.cause();
    }
  }

  private Throwable exceptionOf(Failure.Kind kind, Throwable cause) {
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
