package dev.s3llm.engine.loop;

import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Makes the runner that steps an engine's loop. A clock that implements this interface replaces the
 * runner's thread: so tests step an engine by hand, on virtual time.
 */
@FunctionalInterface
public interface RunnerFactory {

  /**
   * Returns a runner that has not started.
   *
   * @param clock the engine's clock, in nanoseconds
   * @param threads makes the runner's thread
   * @param onFailure receives what the loop failed with for good
   */
  EngineRunner create(LongSupplier clock, ThreadFactory threads, Consumer<Throwable> onFailure);
}
