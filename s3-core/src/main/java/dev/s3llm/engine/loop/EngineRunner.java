package dev.s3llm.engine.loop;

import dev.s3llm.support.Guard;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives a loop a thread: steps it while there is work and parks it otherwise. Not final, so that
 * tests can put their own thread and clock in its place.
 */
public class EngineRunner {
  private static final Logger log = LoggerFactory.getLogger(EngineRunner.class);

  private final LongSupplier clock;
  private final Consumer<Throwable> onFailure;
  private final Thread thread;
  private volatile @Nullable EngineLoop loop;
  private volatile boolean draining;
  private volatile boolean stopping;

  /**
   * Creates a runner whose thread waits for {@link #start}.
   *
   * @param onFailure told when the loop has failed for good, after it has ended what it could; from
   *     its thread, which may be about to die
   */
  public EngineRunner(LongSupplier clock, ThreadFactory threads, Consumer<Throwable> onFailure) {
    this.clock = clock;
    this.onFailure = onFailure;
    this.thread = threads.newThread(this::run);
  }

  /** Starts the thread. Called once. */
  public void start(EngineLoop loopToRun) {
    loop = loopToRun;
    thread.start();
  }

  /** Wakes the thread; from any thread. */
  public void wake() {
    LockSupport.unpark(thread);
  }

  /** Lets the thread end once the loop is idle. */
  public void drain() {
    draining = true;
    wake();
  }

  /** Lets the thread end after the pass under way; what is still live fails. */
  public void stop() {
    stopping = true;
    wake();
  }

  /** Whether the calling thread is the runner's own. */
  public boolean onThread() {
    return Thread.currentThread() == thread;
  }

  /** The thread that steps the loop. */
  public Thread thread() {
    return thread;
  }

  /** Whether the thread has ended though nobody asked it to. */
  public boolean died() {
    return thread.getState() == Thread.State.TERMINATED && !draining && !stopping;
  }

  /** Waits for the thread to end; false if it has not when the time is up. */
  public boolean join(long nanos) throws InterruptedException {
    long millis = Math.max(1, nanos / 1_000_000);
    thread.join(millis);
    return !thread.isAlive();
  }

  /** Like {@link #join}, for a loop that was told to stop: an earlier interrupt does not count. */
  public boolean joinStopped(long nanos) {
    boolean interrupted = Thread.interrupted();
    try {
      return join(nanos);
    } catch (InterruptedException e) {
      interrupted = true;
      return !thread.isAlive();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void run() {
    boolean goesOn = true;
    while (goesOn) {
      goesOn = turn();
    }
  }

  /** Makes a pass, or ends the loop if it is time; false once it has ended. */
  protected final boolean turn() {
    EngineLoop active = loop;
    if (active == null) {
      return false;
    }
    boolean last = stopping || (draining && active.idle());
    Throwable thrown = Guard.run(last ? () -> end(active) : () -> pass(active));
    boolean survived = !last;
    if (thrown != null && survived) {
      Throwable first = thrown;
      thrown = Guard.run(() -> passFailed(active, first));
    }
    if (thrown != null) { // not even failing in order was possible
      onFailure.accept(thrown);
      return false;
    }
    return survived;
  }

  private void end(EngineLoop active) {
    if (stopping) {
      fail(active, new IllegalStateException("the engine was stopped"));
      active.step(clock.getAsLong()); // what was queued meanwhile fails too
    }
  }

  /** Fails everything that is pending, so that no future stays incomplete. */
  private void passFailed(EngineLoop active, Throwable cause) {
    fail(active, cause);
    log.error("the engine loop failed; all pending requests fail", cause);
  }

  private void fail(EngineLoop active, Throwable cause) {
    active.fail(cause, clock.getAsLong());
    onFailure.accept(cause);
  }

  private void pass(EngineLoop active) {
    long now = clock.getAsLong();
    if (active.step(now) == 0 && !(draining && active.idle())) {
      park(active, now);
    }
  }

  /** Waits until it is woken or the loop's next alarm is due. */
  protected void park(EngineLoop active, long now) {
    Thread.interrupted(); // whoever interrupted it meant something else; parking must park
    long alarm = active.nextAlarmNanos();
    if (alarm == Long.MAX_VALUE) {
      LockSupport.park(this);
    } else if (alarm > now) {
      LockSupport.parkNanos(this, alarm - now);
    }
  }
}
