package dev.s3llm.engine.loop;

import java.util.concurrent.Executor;
import java.util.concurrent.ThreadFactory;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * A factory of the runner that steps an engine's loop. If an engine's clock implements this
 * interface, it makes the engine's runner: so tests step an engine themselves, on virtual time.
 */
@FunctionalInterface
public interface RunnerFactory {

  /**
   * Returns a runner that has not started.
   *
   * @param clock the engine's clock, in nanoseconds
   * @param threads makes the runner's thread
   * @param onFailure receives the failure that ended the loop
   */
  EngineRunner create(LongSupplier clock, ThreadFactory threads, Consumer<Throwable> onFailure);

  /** Returns what makes the masks of token constraints: by default the loop's own thread. */
  default Executor masks() {
    return Runnable::run;
  }
}
