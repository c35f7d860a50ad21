package dev.s3llm.testkit;

import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.loop.EngineRunner;
import java.util.function.Consumer;
import java.util.function.LongPredicate;
import java.util.function.LongSupplier;

/**
 * A runner without a thread: the test makes the loop's passes on its own thread. It parks and is
 * woken as the real one, so that a wake-up that is missing is seen.
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
   * @param clock the engine's
   * @param onFailure told when the loop has failed for good
   * @param awaitEnd lets the world go on while somebody waits for the loop to end, for at most this
   *     many nanoseconds; says whether it has ended
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

  /** Whether the real runner's thread would make a pass now. */
  public boolean due(long now) {
    return !ended && (!parked || permit || now >= parkedUntil);
  }

  /** Makes a pass, or ends the loop if it is time. */
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

  /** Passes begun. */
  public int passes() {
    return turns;
  }

  /** Whether a pass is under way. */
  public boolean inPass() {
    return depth > 0;
  }

  /** Whether the loop has ended. */
  public boolean ended() {
    return ended;
  }

  /** When the parked loop wakes by itself; {@link Long#MAX_VALUE} if it does not. */
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

  /** Stands for the thread that the real runner would start. */
  private static final class Unstarted extends Thread {
    Unstarted(Runnable task) {
      super(task);
    }

    @Override
    public void start() {}
  }
}
