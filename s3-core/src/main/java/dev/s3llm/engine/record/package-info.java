/**
 * What the engine publishes about its work: events for listeners, and recordings for Java Flight
 * Recorder. Depends on {@code sequence}.
 */
@NullMarked
package dev.s3llm.engine.record;

import org.jspecify.annotations.NullMarked;
