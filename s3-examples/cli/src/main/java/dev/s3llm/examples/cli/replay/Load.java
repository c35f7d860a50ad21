package dev.s3llm.examples.cli.replay;

import java.util.List;

/**
 * What is simulated for one value of a sweep, or for a replay without a sweep.
 *
 * @param value the sweep's value; NaN without a sweep
 * @param kvGb memory for keys and values, in units of 1e9 bytes
 * @param scenarios the runs, at least one: policy by policy, for each the seeds, for each the
 *     orders; the baseline first
 */
record Load(double value, double kvGb, List<Scenario> scenarios) {}
