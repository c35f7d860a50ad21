/**
 * The engine's state machine, the runner that steps it on a thread, and the default executor of
 * user code. Depends on {@code plan}, {@code sequence}, {@code feedback} and {@code record}.
 */
@NullMarked
package dev.s3llm.engine.loop;

import org.jspecify.annotations.NullMarked;
