package dev.s3llm.engine;

import dev.s3llm.execute.ExecutorLostException;
import dev.s3llm.execute.StepResult;
import dev.s3llm.memory.KvBlockPool;
import dev.s3llm.memory.StepCost;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/** Applies what the executor answered: tokens to their sequences, failures to theirs. */
final class StepResults {
  private final EngineState state;
  private final Endings endings;

  StepResults(EngineState state, Endings endings) {
    this.state = state;
    this.endings = endings;
  }

  /**
   * Applies the outcome of a step that is over.
   *
   * @return what the step failed with, or null if it succeeded
   */
  @Nullable Throwable apply(
      StepInFlight step, @Nullable StepResult result, @Nullable Throwable thrown, long now) {
    Throwable error = thrown == null ? protocolError(step, result) : unwrapped(thrown);
    try {
      if (error == null && result != null) {
        succeeded(step, result, now);
      } else if (error != null) {
        failed(step, error, now);
      }
    } finally {
      step.releaseFenced();
    }
    return error;
  }

  private @Nullable Throwable protocolError(StepInFlight step, @Nullable StepResult result) {
    String violation =
        result == null
            ? "no result"
            : StepProtocol.violation(step, result, state.profile.vocabularySize());
    return violation == null
        ? null
        : new IllegalStateException("executor broke its protocol: " + violation);
  }

  private void succeeded(StepInFlight step, StepResult result, long now) {
    int produced = 0;
    for (int i = 0; i < step.sequences.size(); i++) {
      Sequence sequence = step.sequences.get(i);
      Throwable failure = result.failures().isEmpty() ? null : result.failures().get(i);
      produced += sequence.samples() ? 1 : 0;
      if (sequence.ended()) {
        continue;
      }
      if (failure != null) {
        fail(sequence, Failure.Kind.REQUEST, failure, now);
      } else if (sequence.samples()) {
        deliver(sequence, result.tokens()[i], now);
      }
    }
    state.untoldStep = step;
    state.untoldCost =
        new StepCost(
            produced,
            step.newTokens,
            step.lostTokens,
            step.recoveryTokens,
            now - step.launchedNanos);
    StepRecording.commit(step, now, null);
    state.publish(
        () ->
            new EngineEvent.StepCompleted(
                now, step.step, step.sequences.size(), step.newTokens, now - step.launchedNanos));
  }

  private void deliver(Sequence sequence, int token, long now) {
    sequence.append(token, now);
    state.counters.outputTokens++;
    try {
      sequence.spec().sink().onToken(token);
    } catch (Throwable e) {
      state.counters.sinkFailures++;
      fail(sequence, Failure.Kind.REQUEST, e, now);
      return;
    }
    if (sequence.isStop(token)) {
      endings.end(sequence, FinishReason.STOP, null, now);
    } else if (sequence.generatedForSure() >= sequence.maxNewTokens()) {
      endings.end(sequence, FinishReason.LENGTH, null, now);
    }
  }

  private void failed(StepInFlight step, Throwable cause, long now) {
    state.drafted = false;
    StepRecording.commit(step, now, cause);
    state.publish(() -> new EngineEvent.StepFailed(now, step.step, cause));
    Failure.Kind kind =
        cause instanceof ExecutorLostException ? Failure.Kind.LOST : Failure.Kind.STEP;
    for (Sequence sequence : step.sequences) {
      fail(sequence, kind, cause, now);
    }
    for (Sequence sequence : step.swappedOut) {
      KvBlockPool.Lease copy = sequence.hostLease;
      if (!sequence.ended() && copy != null) {
        dropCopy(sequence, copy);
      }
    }
  }

  private void fail(Sequence sequence, Failure.Kind kind, Throwable cause, long now) {
    endings.end(sequence, FinishReason.FAILED, new Failure(kind, cause), now);
  }

  /** What the failed step was to copy out may be half there: it is computed again. */
  private void dropCopy(Sequence sequence, KvBlockPool.Lease copy) {
    state.counters.recomputedTokens += sequence.swappedTokens();
    copy.close();
    sequence.hostLease = null;
    sequence.dropSwapped();
  }

  private static Throwable unwrapped(Throwable error) {
    Throwable cause = error.getCause();
    return error instanceof CompletionException && cause != null ? cause : error;
  }
}
