/**
 * The watchdog, which detects from another thread that a loop makes no progress. Depends on {@code
 * loop} and {@code sequence}.
 */
@NullMarked
package dev.s3llm.engine.monitor;

import org.jspecify.annotations.NullMarked;
