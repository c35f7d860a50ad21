package dev.s3llm.examples.cli.replay;

import dev.s3llm.simulate.Simulation;
import dev.s3llm.simulate.SimulationPolicy;
import dev.s3llm.simulate.Trace;
import java.util.List;

/**
 * What is simulated for one value of a sweep, or for a replay without a sweep.
 *
 * @param value the sweep's value; NaN without a sweep
 * @param kvGb memory for keys and values, in units of 1e9 bytes
 * @param simulations the simulated GPU and engine, once for each order
 * @param trace the requests
 * @param policies the policies to compare, the baseline first
 */
record Load(
    double value,
    double kvGb,
    List<Simulation> simulations,
    Trace trace,
    List<SimulationPolicy> policies) {}
