package dev.s3llm.testkit;

import dev.s3llm.NanoClock;
import dev.s3llm.engine.loop.EngineRunner;
import dev.s3llm.engine.loop.RunnerFactory;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * A clock for {@link dev.s3llm.EngineBuilder#clock} that also replaces the thread of the engine's
 * loop by a runner that the test steps.
 *
 * @param time returns the time, in nanoseconds
 * @param runner creates the runner, from the engine's clock and the receiver of its failure
 * @param masks makes the masks of token constraints
 */
public record HandDrivenClock(
    LongSupplier time,
    BiFunction<LongSupplier, Consumer<Throwable>, EngineRunner> runner,
    Executor masks)
    implements NanoClock, RunnerFactory {

  /**
   * Creates a clock whose engine makes the masks of token constraints on the test's thread.
   *
   * @param time returns the time, in nanoseconds
   * @param runner creates the runner, from the engine's clock and the receiver of its failure
   */
  public HandDrivenClock(
      LongSupplier time, BiFunction<LongSupplier, Consumer<Throwable>, EngineRunner> runner) {
    this(time, runner, Runnable::run);
  }

  @Override
  public long nanos() {
    return time.getAsLong();
  }

  @Override
  public EngineRunner create(
      LongSupplier clock, ThreadFactory threads, Consumer<Throwable> onFailure) {
    return runner.apply(clock, onFailure);
  }
}
