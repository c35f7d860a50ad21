/**
 * The engine loop: a deterministic state machine over sequences, and the runner that gives it a
 * thread. Not exported. Nothing depends on it but the root package's facade and {@code simulate}.
 */
@NullMarked
package dev.s3llm.engine;

import org.jspecify.annotations.NullMarked;
