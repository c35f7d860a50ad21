package dev.s3llm;

import dev.s3llm.engine.EngineRunner;

/** Opens to tests in other packages what steps an engine. */
public final class HandDriven {
  private HandDriven() {}

  /** Lets this runner step the engine that is built. */
  public static EngineBuilder runner(EngineBuilder builder, EngineRunner runner) {
    return builder.runner(runner);
  }
}
