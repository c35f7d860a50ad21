/**
 * A simulator that runs the production engine: virtual clock, cost model, traces of real traffic.
 *
 * <p>The only package that may depend on the engine.
 */
@NullMarked
package dev.s3llm.simulate;

import org.jspecify.annotations.NullMarked;
