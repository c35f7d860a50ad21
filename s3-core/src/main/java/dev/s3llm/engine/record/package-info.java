/**
 * The engine's output for observers: events for listeners, and events for Java Flight Recorder.
 * Depends on {@code sequence}.
 */
@NullMarked
package dev.s3llm.engine.record;

import org.jspecify.annotations.NullMarked;
