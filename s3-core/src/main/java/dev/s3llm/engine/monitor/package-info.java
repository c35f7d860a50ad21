/**
 * The watchdog, which sees from outside whether a loop makes progress. Depends on {@code loop} and
 * {@code sequence}.
 */
@NullMarked
package dev.s3llm.engine.monitor;

import org.jspecify.annotations.NullMarked;
