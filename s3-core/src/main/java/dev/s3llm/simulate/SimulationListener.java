package dev.s3llm.simulate;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.EngineListener;
import dev.s3llm.observe.EngineSnapshot;

/**
 * Watches a simulation: the engine's events, its state over virtual time, and how each request
 * fared. Called by the thread that runs the simulation, in the order of virtual time; must not
 * throw. Request ids are places in the trace, from 0.
 */
public interface SimulationListener extends EngineListener {

  @Override
  default void onEvent(EngineEvent event) {}

  /**
   * The state did not change for a while.
   *
   * @param fromNanos the begin
   * @param toNanos the end, after the begin
   * @param state of the engine in between
   */
  default void onInterval(long fromNanos, long toNanos, EngineSnapshot state) {}

  /** A request has ended, or was refused because it could never fit. */
  default void onEnd(RequestOutcome outcome) {}
}
