package dev.s3llm.examples.cli.replay;

import dev.s3llm.examples.cli.simulation.PrefixOptions;
import dev.s3llm.simulate.SimulationResult;

/**
 * A run that was made.
 *
 * @param scenario the run that was to be made
 * @param result its result
 */
record Run(Scenario scenario, SimulationResult result) {
  /** Returns the name of the queue order, with that of the shared prefixes where there are any. */
  String label() {
    return PrefixOptions.label(scenario.order(), result.memory().prefixes().order());
  }
}
