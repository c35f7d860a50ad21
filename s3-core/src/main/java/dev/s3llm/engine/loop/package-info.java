/**
 * The state machine that owns all state, the runner that gives it a thread, and the executor of
 * user code. Depends on {@code plan}, {@code sequence}, {@code feedback} and {@code record}.
 */
@NullMarked
package dev.s3llm.engine.loop;

import org.jspecify.annotations.NullMarked;
