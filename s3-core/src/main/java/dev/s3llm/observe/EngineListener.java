package dev.s3llm.observe;

/**
 * Receives the engine's events, in order, on the engine's callback executor. A listener that throws
 * or is slow harms nobody: exceptions are counted, and when too many events wait, new ones are
 * dropped and counted.
 */
@FunctionalInterface
public interface EngineListener {

  /** Something happened. */
  void onEvent(EngineEvent event);
}
