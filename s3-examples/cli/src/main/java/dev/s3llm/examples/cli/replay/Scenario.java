package dev.s3llm.examples.cli.replay;

import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;

/**
 * One run to make.
 *
 * @param policy the memory policy
 * @param order the name of the queue order, as the user wrote it
 * @param simulation the simulated GPU and engine, with this order
 * @param requests the requests with their arrivals
 */
record Scenario(SimulationPolicy policy, String order, Simulation simulation, Requests requests) {

  /**
   * The requests of a run.
   *
   * @param trace the requests
   * @param seed the seed of their arrivals and predictions
   * @param capacity requests per second in order of arrival with all requests at once, under the
   *     same policy; NaN if the load does not depend on it
   */
  record Requests(Trace trace, long seed, double capacity) {}
}
