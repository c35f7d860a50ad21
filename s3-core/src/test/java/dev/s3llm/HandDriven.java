package dev.s3llm;

import dev.s3llm.engine.EngineRunner;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Opens to tests in other packages what steps an engine. */
public final class HandDriven {
  private HandDriven() {}

  /** Sets what makes the runner that steps the engine. */
  public static EngineBuilder runner(
      EngineBuilder builder, BiFunction<LongSupplier, Consumer<Throwable>, EngineRunner> runner) {
    return builder.runner((clock, threads, failed) -> runner.apply(clock, failed));
  }
}
