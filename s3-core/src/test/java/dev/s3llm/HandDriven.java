package dev.s3llm;

import dev.s3llm.engine.EngineRunner;
import java.util.concurrent.ThreadFactory;
import java.util.function.BiFunction;
import java.util.function.LongSupplier;

/** Opens to tests in other packages what steps an engine. */
public final class HandDriven {
  private HandDriven() {}

  /** Sets what makes the runner that steps the engine. */
  public static EngineBuilder runner(
      EngineBuilder builder, BiFunction<LongSupplier, ThreadFactory, EngineRunner> runner) {
    return builder.runner(runner);
  }
}
