/**
 * Options that describe a simulation, for the commands that simulate: the trace and its arrivals,
 * the GPU, the engine's settings and the policies.
 *
 * <p>May depend on {@code s3-core}, Jackson, picocli and the packages {@code options} and {@code
 * support}, and on no command.
 */
@NullMarked
package dev.s3llm.examples.cli.simulation;

import org.jspecify.annotations.NullMarked;
