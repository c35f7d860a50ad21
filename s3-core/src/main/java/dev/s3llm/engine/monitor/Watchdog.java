package dev.s3llm.engine.monitor;

import dev.s3llm.engine.loop.EngineLoop;
import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.engine.loop.Heartbeat;
import dev.s3llm.engine.sequence.Failure;
import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineSnapshot;
import dev.s3llm.observe.Health;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The watchdog of a loop. {@link #check} only reads what the loop publishes, so it works while the
 * loop or the executor hangs.
 *
 * <p>Three conditions must not last longer than the limit: a step is in flight; a pass of the loop
 * is under way, or one is due and does not begin; requests wait, but no step is in flight, and not
 * because all that could run await the mask of a constraint. After the limit the engine is
 * unhealthy, with a reason that names the thread where possible. After twice the limit, live
 * requests fail: first the loop gets a command to fail them, and at the next check those that are
 * left fail without the loop. When the loop makes progress, the engine is healthy again. A loop
 * whose thread has died is lost at once.
 *
 * <p>The time between two checks counts as at most twice the check interval: so a clock that jumps,
 * or a process that was suspended, does not make the engine unhealthy.
 *
 * <p>{@code check} is for one thread at a time, {@link #health} for any.
 */
public final class Watchdog {
  private static final Logger log = LoggerFactory.getLogger(Watchdog.class);
  private static final int CHECKS_IN_LIMIT = 8;
  private static final long LONGEST_INTERVAL_NANOS = 1_000_000_000L;
  private static final long SHORTEST_INTERVAL_NANOS = 1_000_000L;
  private static final int NAMED_FRAMES = 4;

  private final EngineLoop loop;
  private final EngineRunner runner;
  private final RequestFailer requests;
  private final long limitNanos;
  private final Stall step = new Stall();
  private final Stall pass = new Stall();
  private final Stall waiting = new Stall();
  private volatile Health health = Health.OK;
  private boolean started;
  private long lastNanos;
  private boolean failureQueued;
  private boolean dead;

  /** Fails requests without the loop. */
  @FunctionalInterface
  public interface RequestFailer {
    /** Fails every live request; does nothing if there is none. */
    void failLive(Failure failure);
  }

  /**
   * Creates a watchdog.
   *
   * @param loop the loop to check
   * @param runner the runner of the loop
   * @param requests fails the live requests if the loop cannot
   * @param limitNanos how long each condition may last, in nanoseconds; positive
   */
  public Watchdog(EngineLoop loop, EngineRunner runner, RequestFailer requests, long limitNanos) {
    this.loop = loop;
    this.runner = runner;
    this.requests = requests;
    this.limitNanos = limitNanos;
  }

  /** Returns the result of the latest check. */
  public Health health() {
    return health;
  }

  /** Returns the time between two checks, in nanoseconds. */
  public long intervalNanos() {
    long nanos = Math.min(limitNanos / CHECKS_IN_LIMIT, LONGEST_INTERVAL_NANOS);
    return Math.max(nanos, SHORTEST_INTERVAL_NANOS);
  }

  /**
   * Checks once.
   *
   * @param now the engine's time, in nanoseconds
   */
  public void check(long now) {
    long elapsed = started ? Math.max(0, Math.min(now - lastNanos, 2 * intervalNanos())) : 0;
    started = true;
    lastNanos = now;
    if (runner.died()) {
      died(now);
      return;
    }
    measure(elapsed);
    String reason = reason();
    if (reason == null) {
      recovered(now);
      return;
    }
    if (health.healthy()) {
      stuck(reason, now);
    }
    if (longestNanos() >= 2 * limitNanos) {
      failPending();
    }
  }

  private void measure(long elapsed) {
    Heartbeat heart = loop.heartbeat();
    EngineSnapshot snapshot = loop.snapshot();
    boolean inFlight = heart.stepInFlight();
    boolean work = snapshot.requests().waiting() + snapshot.requests().running() > 0;
    long progress = heart.launched() + snapshot.requests().ended().total();
    step.measure(inFlight, heart.launched(), elapsed);
    pass.measure(heart.inPass() || loop.queued(), heart.beats(), elapsed);
    waiting.measure(work && !inFlight && !heart.awaitsMasks(), progress, elapsed);
  }

  private @Nullable String reason() {
    if (pass.nanos >= limitNanos) {
      String what = loop.heartbeat().inPass() ? "a pass has taken " : "there was no pass for ";
      return what + time(pass) + "; " + describe(runner.thread());
    }
    if (step.nanos >= limitNanos) {
      String what =
          "step %d has been in flight for %s; ".formatted(step.latestProgress - 1, time(step));
      return what
          + loop.stepThread()
              .map(Watchdog::describe)
              .orElse("the executor does not name its thread");
    }
    if (waiting.nanos >= limitNanos) {
      return "requests wait and no step was launched for " + time(waiting);
    }
    return null;
  }

  private long longestNanos() {
    return Math.max(pass.nanos, Math.max(step.nanos, waiting.nanos));
  }

  private void stuck(String reason, long now) {
    health = Health.bad(reason);
    log.error("the engine is stuck: {}", reason);
    loop.publish(new EngineEvent.EngineStuck(now, reason));
  }

  private void recovered(long now) {
    if (!health.healthy()) {
      failureQueued = false;
      health = Health.OK;
      log.info("the engine makes progress again");
      loop.publish(new EngineEvent.EngineRecovered(now));
    }
  }

  private void failPending() {
    Throwable cause = new IllegalStateException(health.reason());
    if (failureQueued) {
      requests.failLive(new Failure(Failure.Kind.STUCK, cause));
    } else {
      failureQueued = true;
      loop.failStuck(cause);
    }
  }

  private void died(long now) {
    String reason = "the engine's thread " + runner.thread().getName() + " has died";
    if (!dead) {
      dead = true;
      health = Health.bad(reason);
      log.error("{}", reason);
      loop.publish(new EngineEvent.EngineLost(now, new IllegalStateException(reason)));
    }
    requests.failLive(new Failure(Failure.Kind.LOST, new IllegalStateException(reason)));
  }

  private static String time(Stall stall) {
    return Duration.ofMillis(stall.nanos / 1_000_000).toString();
  }

  /**
   * Returns a thread's name, its state, its innermost frame, and the innermost outside of the JDK.
   */
  private static String describe(Thread thread) {
    List<StackTraceElement> stack = List.of(thread.getStackTrace());
    List<StackTraceElement> frames = new ArrayList<>();
    for (StackTraceElement frame : stack) {
      if ((frames.isEmpty() || !isJdk(frame)) && frames.size() < NAMED_FRAMES) {
        frames.add(frame);
      }
    }
    return "thread %s is %s at %s".formatted(thread.getName(), thread.getState(), frames);
  }

  private static boolean isJdk(StackTraceElement frame) {
    String module = frame.getModuleName();
    return module != null && (module.startsWith("java.") || module.startsWith("jdk."));
  }

  /** How long a condition has lasted without progress. */
  private static final class Stall {
    private long latestProgress;
    private long nanos;

    /**
     * Adds the time since the latest check, or starts from zero.
     *
     * @param active whether the condition is true
     * @param progress a number that changes with progress
     * @param elapsed time since the latest check, in nanoseconds
     */
    void measure(boolean active, long progress, long elapsed) {
      nanos = active && progress == latestProgress ? nanos + elapsed : 0;
      latestProgress = progress;
    }
  }
}
