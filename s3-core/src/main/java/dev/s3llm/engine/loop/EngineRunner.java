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
 * The thread of a loop: makes passes while there is work, and parks otherwise. Not final, so that
 * tests can replace the thread and the clock. Thread-safe.
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
   * @param clock the engine's clock, in nanoseconds
   * @param threads makes the thread
   * @param onFailure receives the failure that ended the loop, after the loop has failed its
   *     requests as far as it could; called on the loop's thread
   */
  @SuppressWarnings("this-escape") // the thread does not run before start()
  public EngineRunner(LongSupplier clock, ThreadFactory threads, Consumer<Throwable> onFailure) {
    this.clock = clock;
    this.onFailure = onFailure;
    this.thread = threads.newThread(this::run);
  }

  /** Starts the thread, which then steps this loop. Must be called once. */
  public void start(EngineLoop loopToRun) {
    loop = loopToRun;
    thread.start();
  }

  /** Wakes the thread if it is parked. */
  public void wake() {
    LockSupport.unpark(thread);
  }

  /** Makes the thread end as soon as the loop is idle. */
  public void drain() {
    draining = true;
    wake();
  }

  /** Makes the thread end after its present pass; requests that are still live fail. */
  public void stop() {
    stopping = true;
    wake();
  }

  /** Returns whether the calling thread is the thread that steps the loop. */
  public boolean onThread() {
    return Thread.currentThread() == thread;
  }

  /** Returns the thread that steps the loop. */
  public Thread thread() {
    return thread;
  }

  /** Returns whether the thread has ended without {@link #drain} or {@link #stop}. */
  public boolean died() {
    return thread.getState() == Thread.State.TERMINATED && !draining && !stopping;
  }

  /**
   * Waits for the thread to end.
   *
   * @param nanos the longest time to wait, in nanoseconds
   * @return whether the thread has ended
   * @throws InterruptedException if the calling thread is interrupted
   */
  public boolean join(long nanos) throws InterruptedException {
    long millis = Math.max(1, nanos / 1_000_000);
    thread.join(millis);
    return !thread.isAlive();
  }

  /**
   * Waits for the thread to end after {@link #stop}, like {@link #join}. An earlier interrupt of
   * the calling thread does not shorten the wait; the interrupt status is restored.
   */
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
    boolean continues = true;
    while (continues) {
      continues = turn();
    }
  }

  /**
   * Makes a pass, or ends the loop if it was drained or stopped; returns false once it has ended.
   */
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
    if (thrown != null) { // failing the requests has failed too
      onFailure.accept(thrown);
      return false;
    }
    return survived;
  }

  private void end(EngineLoop active) {
    if (stopping) {
      fail(active, new IllegalStateException("the engine was stopped"));
      active.step(clock); // requests that were queued meanwhile fail too
    }
  }

  /** Fails every live request, so that no future stays incomplete. */
  private void passFailed(EngineLoop active, Throwable cause) {
    fail(active, cause);
    log.error("the engine loop failed; all pending requests fail", cause);
  }

  private void fail(EngineLoop active, Throwable cause) {
    active.fail(cause, clock.getAsLong());
    onFailure.accept(cause);
  }

  private void pass(EngineLoop active) {
    if (active.step(clock) == 0 && !(draining && active.idle())) {
      park(active, clock.getAsLong());
    }
  }

  /**
   * Waits until the thread is woken or the loop's next alarm is due.
   *
   * @param active the loop
   * @param now the engine's time, in nanoseconds
   */
  protected void park(EngineLoop active, long now) {
    Thread
        .interrupted(); // an interrupt has no meaning here, and would keep the thread from parking
    long alarm = active.nextAlarmNanos();
    if (alarm == Long.MAX_VALUE) {
      LockSupport.park(this);
    } else if (alarm > now) {
      LockSupport.parkNanos(this, alarm - now);
    }
  }
}
