package dev.s3llm.testkit;

import dev.s3llm.EngineBuilder;
import dev.s3llm.S3Engine;
import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.execute.Executor;
import dev.s3llm.execute.ForwardingExecutor;
import dev.s3llm.execute.StepBatch;
import dev.s3llm.execute.StepResult;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;

/**
 * A whole engine on virtual time and on the test's thread. Tests of an executor, a planner or a
 * policy with it need no sleep, and each run makes the same decisions.
 *
 * <pre>{@code
 * try (HandDrivenEngine driven = HandDrivenEngine.of(executor, b -> b.planner(planner))) {
 *   Generation generation = driven.engine().submit(request);
 *   driven.advance(Duration.ofMillis(5));
 *   driven.run();
 *   assertThat(generation.result().join().tokens()).hasSize(10);
 * }
 * }</pre>
 *
 * <p>Time does not advance unless the test advances it. Callbacks run on the test's thread, within
 * {@link #pass}. An executor may run its steps on threads of its own: a pass waits, for at most 60
 * seconds, for the step that the pass before it has launched. Not thread-safe.
 */
public final class HandDrivenEngine implements AutoCloseable {
  private static final int MOST_PASSES = 1_000_000;
  private static final int STEP_LIMIT_SECONDS = 60;

  private final StepAwaiter executor;
  private final S3Engine engine;
  private HandRunner runner;
  private long nowNanos;

  private HandDrivenEngine(Executor executor, UnaryOperator<EngineBuilder> settings) {
    this.executor = new StepAwaiter(executor);
    EngineBuilder builder =
        S3Engine.builder(this.executor)
            .clock(new HandDrivenClock(this::nanos, this::newRunner))
            .callbackExecutor(Runnable::run)
            .stuckAfter(Duration.ZERO);
    this.engine = settings.apply(builder).build();
  }

  /**
   * Returns an engine that has made no pass yet, at time 0.
   *
   * @param executor runs the steps; closed with the engine
   * @param settings sets further parts of the engine; clock, callback executor and watchdog are
   *     already set, so setting them again is refused
   */
  public static HandDrivenEngine of(Executor executor, UnaryOperator<EngineBuilder> settings) {
    return new HandDrivenEngine(executor, settings);
  }

  private EngineRunner newRunner(LongSupplier clock, Consumer<Throwable> onFailure) {
    runner = new HandRunner(clock, onFailure, this::runUntilEnded);
    return runner;
  }

  /** Returns the engine, to submit to and to inspect. */
  public S3Engine engine() {
    return engine;
  }

  /** Returns the virtual time, in nanoseconds. */
  public long nanos() {
    return nowNanos;
  }

  /**
   * Advances the virtual time. Deadlines and prediction budgets that pass take effect in the next
   * pass.
   *
   * @param time the time to add, zero or more
   * @throws IllegalArgumentException if the time is negative
   */
  public void advance(Duration time) {
    if (time.isNegative()) {
      throw new IllegalArgumentException("time must not be negative, but is " + time);
    }
    nowNanos += time.toNanos();
  }

  /**
   * Makes one pass of the loop, if there is work: applies the completed step and launches the next
   * one.
   *
   * @return whether a pass was made
   * @throws IllegalStateException if the step in flight does not end within 60 seconds, or the
   *     thread is interrupted
   */
  public boolean pass() {
    executor.await();
    boolean due = runner.due(nowNanos);
    if (due) {
      runner.pass();
    }
    return due;
  }

  /**
   * Makes passes until no request is live, or until there is no work before the time advances.
   *
   * @return the number of passes
   * @throws IllegalStateException if a million passes are not enough
   */
  public int run() {
    int passes = 0;
    while (engine.liveRequests() > 0 && pass()) {
      passes++;
      if (passes == MOST_PASSES) {
        throw new IllegalStateException("requests are live after " + passes + " passes");
      }
    }
    return passes;
  }

  /** Makes passes until the loop has ended or has no work; returns whether it has ended. */
  private boolean runUntilEnded(long nanos) {
    while (!runner.ended() && pass()) {}
    return runner.ended();
  }

  /** Closes the engine at once; live requests are cancelled. */
  @Override
  public void close() {
    engine.closeNow();
  }

  /**
   * Passes steps on, and knows when the loop has received the result of the latest one. The
   * executor's own stage is not enough: it may be complete before its dependents, the loop among
   * them, ran.
   */
  private static final class StepAwaiter extends ForwardingExecutor {
    private CompletableFuture<Void> delivered = CompletableFuture.completedFuture(null);

    StepAwaiter(Executor executor) {
      super(executor);
    }

    @Override
    public CompletionStage<StepResult> execute(StepBatch batch) {
      CompletableFuture<StepResult> answer = new CompletableFuture<>();
      CompletableFuture<Void> done = new CompletableFuture<>();
      super.execute(batch)
          .whenComplete(
              (result, error) -> {
                if (error == null) {
                  answer.complete(result);
                } else {
                  answer.completeExceptionally(error);
                }
                done.complete(null);
              });
      delivered = done;
      return answer;
    }

    void await() {
      try {
        delivered.get(STEP_LIMIT_SECONDS, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        throw new IllegalStateException(
            "a step did not end within " + STEP_LIMIT_SECONDS + " s", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while a step runs", e);
      }
    }
  }
}
