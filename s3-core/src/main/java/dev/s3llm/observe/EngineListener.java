package dev.s3llm.observe;

/**
 * Receives the engine's events, in order and one at a time, on the engine's callback executor. An
 * exception that a listener throws is counted and logged, and does not affect the engine. If too
 * many events wait because a listener is slow, new events are dropped for that listener and
 * counted. Listeners do not wait for each other.
 */
@FunctionalInterface
public interface EngineListener {

  /**
   * Receives an event.
   *
   * @param event the event
   */
  void onEvent(EngineEvent event);
}
