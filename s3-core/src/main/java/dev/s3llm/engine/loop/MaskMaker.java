package dev.s3llm.engine.loop;

import dev.s3llm.engine.constraint.ConstraintProgress;
import dev.s3llm.engine.constraint.Verdict;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.engine.sequence.Sequence;
import dev.s3llm.observe.FinishReason;
import dev.s3llm.support.Nanos;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.LongConsumer;

/**
 * Has the masks of constrained sequences made by other threads. The loop requests a mask as soon as
 * the tokens are known on which it depends, and receives it as a command. A sequence whose mask is
 * awaited computes nothing: while it runs it keeps its blocks, and it does not join the queue.
 *
 * <p>Masks are made in much less time than a step takes. So a launch waits for those that were
 * requested when the latest step ended, for at most an eighth of that step's time; later masks wait
 * for another step.
 */
final class MaskMaker {
  /** The part of a step's time for which the next launch waits for masks: one in this. */
  private static final long PATIENCE = 8;

  /**
   * Time between two checks whether a constraint still runs: one that runs at both of them fails
   * its request, which is after {@value} to twice as many seconds.
   */
  static final int CHECK_SECONDS = 15;

  private static final Duration CHECK = Duration.ofSeconds(CHECK_SECONDS);

  private final EngineState state;
  private final SequenceFinisher finisher;
  private final Inbox inbox;
  private long requestedNanos;
  private long patientUntilNanos;
  private boolean waits;

  MaskMaker(EngineState state, SequenceFinisher finisher, Inbox inbox) {
    this.state = state;
    this.finisher = finisher;
    this.inbox = inbox;
  }

  /** Requests the mask that follows the tokens of a sequence; does nothing without a constraint. */
  void request(Sequence sequence, long now) {
    ConstraintProgress progress = sequence.constraint();
    if (progress == null || sequence.ended()) {
      return;
    }
    FutureTask<Verdict> work =
        progress.next(
            sequence.tokens(),
            sequence.promptTokens(),
            sequence.committedTokens(),
            now,
            done -> inbox.add(at -> made(sequence, progress, done, at)));
    try {
      state.parts.masks().execute(work);
    } catch (Throwable e) { // no thread can be started, or the engine is closed
      fail(sequence, e, now);
      return;
    }
    if (!sequence.ended() && !state.alarms.isSet(sequence, Alarms.Kind.MASK)) {
      setCheck(sequence, now);
    }
  }

  private void setCheck(Sequence sequence, long now) {
    state.alarms.set(Nanos.after(now, CHECK), sequence, Alarms.Kind.MASK);
  }

  /**
   * Fails a sequence whose constraint has not returned since the check before, and gives up the
   * thread that runs the constraint.
   */
  void check(Sequence sequence, long now) {
    ConstraintProgress progress = sequence.constraint();
    if (progress == null || !progress.awaitsMask()) {
      return; // the next request for a mask sets the next check
    }
    FutureTask<Verdict> work = progress.stillRunning();
    MaskThreads own = state.parts.masks() instanceof MaskThreads threads ? threads : null;
    if (work != null) {
      fail(sequence, notReturning(sequence), now); // this interrupts the thread
      if (own != null) {
        own.abandon(work);
      }
    } else if (own != null && own.exhausted()) {
      fail(sequence, MaskThreads.noneLeft(), now);
    } else {
      setCheck(sequence, now);
    }
  }

  private static IllegalStateException notReturning(Sequence sequence) {
    return new IllegalStateException(
        "the token constraint has not returned for %d s after token %d of the answer; mend it so that it returns"
            .formatted(CHECK_SECONDS, sequence.committedTokens()));
  }

  private void made(
      Sequence sequence, ConstraintProgress progress, FutureTask<Verdict> work, long now) {
    if (sequence.ended() || !progress.awaits(work)) {
      return;
    }
    try {
      apply(sequence, progress, work.get(), now);
    } catch (ExecutionException e) { // the constraint is foreign code
      fail(sequence, e.getCause() == null ? e : e.getCause(), now);
    } catch (InterruptedException e) {
      throw new IllegalStateException("work that has ended does not wait", e);
    }
  }

  private void apply(Sequence sequence, ConstraintProgress progress, Verdict verdict, long now) {
    switch (verdict.kind()) {
      case END -> finisher.end(sequence, FinishReason.STOP, null, now);
      case NOTHING -> fail(sequence, deadEnd(sequence), now);
      case TOKENS -> {
        LongConsumer action = progress.ready(verdict);
        if (state.inFlight != null) {
          state.draft.invalidate(); // it leaves the sequence out
        }
        if (action != null) {
          action.accept(now);
        }
      }
    }
  }

  private static IllegalStateException deadEnd(Sequence sequence) {
    return new IllegalStateException(
        "after %d tokens the token constraint allows no further one, and the answer is not complete"
            .formatted(sequence.committedTokens()));
  }

  private void fail(Sequence sequence, Throwable cause, long now) {
    finisher.end(sequence, FinishReason.FAILED, new Failure(Failure.Kind.REQUEST, cause), now);
  }

  /**
   * Records the end of a step, whose masks were requested at this time.
   *
   * @param now the engine's time, in nanoseconds
   * @param nanos time from the step's launch to its end
   */
  void stepEnded(long now, long nanos) {
    requestedNanos = now;
    patientUntilNanos = now + Math.max(0, nanos) / PATIENCE;
  }

  /** Returns whether the launch of the next step waits for masks that should be there soon. */
  boolean holdsLaunch(long now) {
    waits = false;
    if (now < patientUntilNanos) {
      for (int i = 0; i < state.running.size() && !waits; i++) {
        ConstraintProgress progress = state.running.get(i).constraint();
        waits =
            progress != null
                && progress.awaitsMask()
                && progress.pendingSinceNanos() >= requestedNanos;
      }
    }
    return waits;
  }

  /** Returns the time until which a launch waits; {@link Long#MAX_VALUE} if none waits. */
  long patientUntilNanos() {
    return waits && state.lost == null ? patientUntilNanos : Long.MAX_VALUE;
  }

  /** Returns whether a running sequence awaits its mask. */
  boolean awaited() {
    for (int i = 0; i < state.running.size(); i++) {
      if (state.running.get(i).awaitsMask()) {
        return true;
      }
    }
    return false;
  }
}
