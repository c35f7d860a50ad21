/** Meters of the engine and of the calls. Knows Micrometer, the engine's snapshots and calls. */
@NullMarked
package dev.s3llm.examples.server.metrics;

import org.jspecify.annotations.NullMarked;
