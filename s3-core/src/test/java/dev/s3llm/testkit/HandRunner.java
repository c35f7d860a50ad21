package dev.s3llm.testkit;

import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.loop.EngineRunner;
import java.util.function.Consumer;
import java.util.function.LongPredicate;
import java.util.function.LongSupplier;

/**
 * A runner without a thread: the test makes the loop's passes on its own thread. It parks and is
 * woken like the real runner, so a test detects a missing wake-up. Not thread-safe.
 */
public final class HandRunner extends EngineRunner {
  private final LongPredicate awaitEnd;
  private EngineLoop loop;
  private boolean permit;
  private boolean parked;
  private long parkedUntil;
  private boolean ended;
  private int turns;
  private int depth;

  /**
   * Creates a runner.
   *
   * @param clock the engine's clock, in nanoseconds
   * @param onFailure receives the failure that ends the loop
   * @param awaitEnd lets the test go on while the loop ends, for at most the given nanoseconds;
   *     returns whether the loop has ended
   */
  public HandRunner(LongSupplier clock, Consumer<Throwable> onFailure, LongPredicate awaitEnd) {
    super(clock, Unstarted::new, onFailure);
    this.awaitEnd = awaitEnd;
  }

  @Override
  public void start(EngineLoop loopToRun) {
    super.start(loopToRun);
    loop = loopToRun;
  }

  /**
   * Returns whether the real runner's thread would make a pass now.
   *
   * @param now the time, in nanoseconds of the engine's clock
   */
  public boolean due(long now) {
    return !ended && (!parked || permit || now >= parkedUntil);
  }

  /** Makes a pass, or ends the loop if it was stopped. Does nothing within a pass. */
  public void pass() {
    if (ended || depth > 0) {
      return;
    }
    turns++;
    permit = false;
    parked = false;
    depth++;
    try {
      ended = !turn();
    } finally {
      depth--;
    }
  }

  /** Returns the number of passes begun. */
  public int passes() {
    return turns;
  }

  /** Returns whether a pass is running. */
  public boolean inPass() {
    return depth > 0;
  }

  /** Returns whether the loop has ended. */
  public boolean ended() {
    return ended;
  }

  /**
   * Returns the time at which the parked loop wakes by itself, in nanoseconds of the engine's
   * clock; {@link Long#MAX_VALUE} if it does not.
   */
  public long alarmNanos() {
    return parkedUntil;
  }

  /** Returns the loop that the runner steps. */
  public EngineLoop loop() {
    return loop;
  }

  @Override
  protected void park(EngineLoop active, long now) {
    parked = true;
    parkedUntil = active.nextAlarmNanos();
  }

  @Override
  public void wake() {
    permit = true;
  }

  @Override
  public boolean onThread() {
    return depth > 0;
  }

  @Override
  public boolean join(long nanos) throws InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    return awaitEnd.test(nanos);
  }

  /** Replaces the thread that the real runner starts. */
  private static final class Unstarted extends Thread {
    Unstarted(Runnable task) {
      super(task);
    }

    @Override
    public void start() {}
  }
}
