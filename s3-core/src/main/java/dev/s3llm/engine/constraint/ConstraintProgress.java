package dev.s3llm.engine.constraint;

import dev.s3llm.execute.SequenceStep.TokenConstraint;
import java.util.Arrays;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * How far an answer is in its constraint: the state, the mask of the next token, and the work under
 * way that makes it. State and mask depend on the output tokens alone, so a preemption changes
 * neither. Not thread-safe: the loop owns it; the executor reads {@link #allowed} while a step is
 * in flight, during which it does not change.
 */
public final class ConstraintProgress {
  private final AnswerRules rules;
  private TokenConstraint.@Nullable State state;
  private long[] allowed = {};
  private boolean completesAtLimit;
  private int followed;
  private @Nullable Work pending;
  private @Nullable Work seenRunning;
  private long pendingSinceNanos;
  private @Nullable LongConsumer whenReady;

  /**
   * Creates the progress of an answer without tokens, whose first mask is not requested.
   *
   * @param rules the constraint, and what the request says about its end
   */
  public ConstraintProgress(AnswerRules rules) {
    this.rules = rules;
  }

  /**
   * Returns the work that makes the next mask, to be run once by any thread.
   *
   * @param tokens prompt and output of the answer
   * @param promptTokens length of the prompt
   * @param length number of output tokens
   * @param now the engine's time, in nanoseconds
   * @param done receives the work when it has ended and was not cancelled; on the thread that runs
   *     it
   */
  public FutureTask<Verdict> next(
      int[] tokens, int promptTokens, int length, long now, Consumer<FutureTask<Verdict>> done) {
    int[] latest = Arrays.copyOfRange(tokens, promptTokens + followed, promptTokens + length);
    Work work = new Work(new ConstraintWork(rules, state, length, latest), done);
    followed = length;
    pending = work;
    pendingSinceNanos = now;
    return work;
  }

  /** Returns whether the mask of the next token is not there yet. */
  public boolean awaitsMask() {
    return pending != null;
  }

  /**
   * Returns the work that has been running since an earlier call, or null. Work that no thread has
   * begun does not count: it waits for a thread, and the constraint is not to blame.
   */
  public @Nullable FutureTask<Verdict> stillRunning() {
    Work work = pending;
    boolean before = work != null && work == seenRunning;
    seenRunning = work != null && work.begun ? work : null;
    return before ? work : null;
  }

  /** Returns whether this work makes the mask that is awaited. */
  public boolean awaits(FutureTask<Verdict> work) {
    return pending == work;
  }

  /** Returns when the awaited mask was requested, in nanoseconds of the engine's clock. */
  public long pendingSinceNanos() {
    return pendingSinceNanos;
  }

  /**
   * Sets what to do when the mask is there; replaces what was set before.
   *
   * @param action receives the time, in nanoseconds of the engine's clock
   */
  public void whenReady(LongConsumer action) {
    whenReady = action;
  }

  /**
   * Accepts the awaited mask.
   *
   * @param verdict what the constraint says
   * @return what to do now; null for nothing
   */
  public @Nullable LongConsumer ready(Verdict verdict) {
    state = verdict.state();
    allowed = verdict.allowed();
    completesAtLimit = verdict.completesAtLimit();
    pending = null;
    LongConsumer action = whenReady;
    whenReady = null;
    return action;
  }

  /** Cancels the work under way, because the answer has ended. */
  public void cancel() {
    FutureTask<Verdict> work = pending;
    pending = null;
    whenReady = null;
    if (work != null) {
      work.cancel(true);
    }
  }

  /** Returns the tokens that may come next; not to be changed. */
  public long[] allowed() {
    return allowed;
  }

  /** Returns whether the next token is the last that fits and completes the answer. */
  public boolean completesAtLimit() {
    return completesAtLimit;
  }

  /** Work that reports its end. */
  private static final class Work extends FutureTask<Verdict> {
    private final Consumer<FutureTask<Verdict>> done;
    private volatile boolean begun;

    Work(ConstraintWork work, Consumer<FutureTask<Verdict>> done) {
      super(work);
      this.done = done;
    }

    @Override
    public void run() {
      begun = true;
      super.run();
    }

    @Override
    protected void done() {
      if (!isCancelled()) {
        done.accept(this);
      }
    }
  }
}
