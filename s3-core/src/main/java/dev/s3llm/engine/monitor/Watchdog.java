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
 * Sees from outside whether a loop gets on: {@link #check} only reads what the loop publishes, so
 * it works while the loop, or the executor, hangs.
 *
 * <p>Three things may not last longer than the limit: a step in flight; a pass of the loop, or a
 * wait for one; waiting work with neither. After the limit the engine is unhealthy, with a reason
 * that names the thread. After twice the limit pending requests fail: the loop is asked to fail
 * them, and at the next check those left are abandoned without it. When what was stuck moves, all
 * is well again. A loop whose thread has died is lost at once.
 *
 * <p>Time that passed between two checks counts up to twice the interval at which they should come:
 * if the clock jumps, or the whole process was stopped, nobody is accused.
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
  private final Owner owner;
  private final long limitNanos;
  private final Stall step = new Stall();
  private final Stall pass = new Stall();
  private final Stall waiting = new Stall();
  private volatile Health health = Health.OK;
  private boolean started;
  private long lastNanos;
  private boolean loopAsked;
  private boolean dead;

  /** Whoever answers for the requests. */
  public interface Owner {
    /** Fails what is pending without the loop's help; does nothing if nothing is. */
    void abandonPending(Failure failure);
  }

  /**
   * Creates a watchdog that has not looked yet.
   *
   * @param limitNanos how long nothing may move; positive
   */
  public Watchdog(EngineLoop loop, EngineRunner runner, Owner owner, long limitNanos) {
    this.loop = loop;
    this.runner = runner;
    this.owner = owner;
    this.limitNanos = limitNanos;
  }

  /** The latest verdict. */
  public Health health() {
    return health;
  }

  /** How often to check. */
  public long intervalNanos() {
    long nanos = Math.min(limitNanos / CHECKS_IN_LIMIT, LONGEST_INTERVAL_NANOS);
    return Math.max(nanos, SHORTEST_INTERVAL_NANOS);
  }

  /** Looks once. */
  public void check(long now) {
    long lived = started ? Math.max(0, Math.min(now - lastNanos, 2 * intervalNanos())) : 0;
    started = true;
    lastNanos = now;
    if (runner.died()) {
      died(now);
      return;
    }
    look(lived);
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

  private void look(long lived) {
    Heartbeat heart = loop.heartbeat();
    EngineSnapshot seen = loop.snapshot();
    boolean inFlight = heart.stepInFlight();
    boolean work = seen.requests().waiting() + seen.requests().running() > 0;
    step.look(inFlight, heart.launched(), lived);
    pass.look(heart.inPass() || loop.queued(), heart.beats(), lived);
    waiting.look(work && !inFlight, heart.launched() + seen.requests().ended().total(), lived);
  }

  private @Nullable String reason() {
    if (pass.nanos >= limitNanos) {
      String what = loop.heartbeat().inPass() ? "a pass has taken " : "there was no pass for ";
      return what + time(pass) + "; " + describe(runner.thread());
    }
    if (step.nanos >= limitNanos) {
      String what = "step %d has been in flight for %s; ".formatted(step.key - 1, time(step));
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
      loopAsked = false;
      health = Health.OK;
      log.info("the engine gets on again");
      loop.publish(new EngineEvent.EngineRecovered(now));
    }
  }

  private void failPending() {
    Throwable cause = new IllegalStateException(health.reason());
    if (loopAsked) {
      owner.abandonPending(new Failure(Failure.Kind.STUCK, cause));
    } else {
      loopAsked = true;
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
    owner.abandonPending(new Failure(Failure.Kind.LOST, new IllegalStateException(reason)));
  }

  private static String time(Stall stall) {
    return Duration.ofMillis(stall.nanos / 1_000_000).toString();
  }

  /**
   * Name, state, and what it does: the innermost call, and the innermost that are not the JDK's.
   */
  private static String describe(Thread thread) {
    List<StackTraceElement> stack = List.of(thread.getStackTrace());
    List<StackTraceElement> frames = new ArrayList<>();
    for (StackTraceElement frame : stack) {
      if ((frames.isEmpty() || !ofTheJdk(frame)) && frames.size() < NAMED_FRAMES) {
        frames.add(frame);
      }
    }
    return "thread %s is %s at %s".formatted(thread.getName(), thread.getState(), frames);
  }

  private static boolean ofTheJdk(StackTraceElement frame) {
    String module = frame.getModuleName();
    return module != null && (module.startsWith("java.") || module.startsWith("jdk."));
  }

  /** For how long something that should change has been seen unchanged. */
  private static final class Stall {
    private long key;
    private long nanos;

    void look(boolean active, long currentKey, long lived) {
      nanos = active && currentKey == key ? nanos + lived : 0;
      key = currentKey;
    }
  }
}
