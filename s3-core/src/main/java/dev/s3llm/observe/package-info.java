/**
 * Observation of an engine: events with the reason of each decision, snapshots, an explanation of
 * each request's latency, and names of metrics. Depends on {@code predict}, {@code recover} and
 * {@code schedule}, never on the engine.
 */
@NullMarked
package dev.s3llm.observe;

import org.jspecify.annotations.NullMarked;
