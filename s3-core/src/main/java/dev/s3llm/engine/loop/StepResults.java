package dev.s3llm.engine.loop;

import dev.s3llm.engine.constraint.ConstraintProgress;
import dev.s3llm.engine.plan.Termination;
import dev.s3llm.engine.record.StepRecording;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.KvBlockPool;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.error.ExecutorLostException;
import dev.s3llm.execute.StepResult;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * Applies the result of a step: appends and delivers tokens, ends sequences that are complete, and
 * fails those that the executor failed.
 */
final class StepResults {
  private final EngineState state;
  private final SequenceFinisher finisher;
  private final FeatureReader features;
  private final MaskMaker masks;
  private final ScoreReader scores;

  StepResults(
      EngineState state, SequenceFinisher finisher, FeatureReader features, MaskMaker masks) {
    this.state = state;
    this.finisher = finisher;
    this.features = features;
    this.masks = masks;
    this.scores = new ScoreReader(state);
  }

  /**
   * Applies the outcome of a step that has ended.
   *
   * @param step the step
   * @param result the executor's result, if it completed the step with one
   * @param thrown the executor's failure, if it completed the step with one
   * @param now the engine's time, in nanoseconds
   * @return the failure of the step, or null if it succeeded
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
        result == null ? "no result" : StepProtocol.violation(step, result, state.profile);
    return violation == null
        ? null
        : new IllegalStateException("executor broke its protocol: " + violation);
  }

  private void succeeded(StepInFlight step, StepResult result, long now) {
    int produced = 0;
    int first = 0;
    boolean plain = result.plain();
    List<Sequence> sequences = step.sequences();
    scores.open(sequences, result);
    for (int i = 0; i < sequences.size(); i++) {
      Sequence sequence = sequences.get(i);
      int count = result.count(i);
      produced += count;
      Throwable failure = result.failures().isEmpty() ? null : result.failures().get(i);
      if (failure != null) {
        state.prefixes.failed(sequence);
      }
      if (!sequence.ended()) {
        if (failure != null) {
          fail(sequence, Failure.Kind.REQUEST, failure, now);
        } else if (sequence.samples()) {
          if (!sequence.stepped(count, result.slots(i), result.stepsLeft(i))) {
            state.draft.invalidate();
          }
          deliver(sequence, result.tokens(), plain ? i : first, count, now);
          produced += sequence.ended() && sequence.canvas() ? unusedSlots(sequence) : 0;
        }
      }
      scores.passed(sequence, result, i);
      first += count;
    }
    features.read(sequences, result);
    long nanos = now - step.launchedNanos();
    state.feedback.stepSucceeded(step.work(), step.work().cost(produced, nanos));
    int newTokens = step.work().newTokens();
    StepRecording.commit(step.number(), sequences.size(), newTokens, nanos, null);
    state.publish(
        () ->
            new EngineEvent.StepCompleted(now, step.number(), sequences.size(), newTokens, nanos));
  }

  /**
   * Returns the slots of a canvas without a token: what is predicted, and expected, has them too.
   */
  private static int unusedSlots(Sequence sequence) {
    return sequence.outputSlots() - sequence.committedTokens();
  }

  /** Delivers tokens until one ends the sequence; those after it are ignored. */
  private void deliver(Sequence sequence, int[] tokens, int first, int count, long now) {
    for (int i = first; i < first + count && !sequence.ended(); i++) {
      deliver(sequence, tokens[i], i - first, now);
    }
    if (count > 0) {
      masks.request(sequence, now);
    }
    if (count == 0 && sequence.silentSteps() > Termination.mostSilentSteps(sequence)) {
      String what = "%d steps without a token".formatted(sequence.silentSteps());
      fail(sequence, Failure.Kind.REQUEST, new IllegalStateException(what), now);
    }
  }

  private void deliver(Sequence sequence, int token, int i, long now) {
    sequence.append(token, now);
    state.counters.outputToken(sequence, now);
    try {
      scores.deliver(sequence, i);
      sequence.spec().sink().onToken(token);
    } catch (Throwable e) { // the sink is foreign code to the loop
      state.counters.callbackFailures++;
      fail(sequence, Failure.Kind.REQUEST, e, now);
      return;
    }
    if (sequence.isStop(token)) {
      finisher.end(sequence, FinishReason.STOP, null, now);
    } else if (sequence.committedTokens() >= sequence.maxNewTokens()) {
      finisher.end(sequence, atLimit(sequence), null, now);
    }
  }

  /** Returns how an answer ends that has as many tokens as it may. */
  private static FinishReason atLimit(Sequence sequence) {
    ConstraintProgress constraint = sequence.constraint();
    return constraint != null && constraint.completesAtLimit()
        ? FinishReason.STOP
        : FinishReason.LENGTH;
  }

  private void failed(StepInFlight step, Throwable cause, long now) {
    state.draft.invalidate();
    long nanos = now - step.launchedNanos();
    List<Sequence> sequences = step.sequences();
    StepRecording.commit(step.number(), sequences.size(), step.work().newTokens(), nanos, cause);
    state.publish(() -> new EngineEvent.StepFailed(now, step.number(), cause));
    Failure.Kind kind =
        cause instanceof ExecutorLostException ? Failure.Kind.LOST : Failure.Kind.STEP;
    sequences.forEach(state.prefixes::failed);
    for (Sequence sequence : sequences) {
      fail(sequence, kind, cause, now);
    }
    for (Sequence sequence : step.swappedOut()) {
      if (!sequence.ended() && sequence.host() != null) {
        dropCopy(sequence);
      }
    }
  }

  private void fail(Sequence sequence, Failure.Kind kind, Throwable cause, long now) {
    finisher.end(sequence, FinishReason.FAILED, new Failure(kind, cause), now);
  }

  /** Drops a copy that the failed step may not have finished; its tokens are computed again. */
  private void dropCopy(Sequence sequence) {
    state.counters.recomputedTokens += sequence.swappedTokens();
    KvBlockPool.Lease copy = sequence.takeHost();
    if (copy != null) {
      copy.close();
    }
    sequence.dropSwapped();
    state.released(sequence);
  }

  private static Throwable unwrapped(Throwable error) {
    Throwable cause = error.getCause();
    return error instanceof CompletionException && cause != null ? cause : error;
  }
}
