/**
 * A simulator that runs the production engine with a virtual clock and a cost model, on traces of
 * real traffic.
 *
 * <p>Besides the root package, this is the only package that may depend on the engine.
 */
@NullMarked
package dev.s3llm.simulate;

import org.jspecify.annotations.NullMarked;
