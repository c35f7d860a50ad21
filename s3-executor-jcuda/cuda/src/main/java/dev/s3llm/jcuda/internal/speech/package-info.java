/**
 * The arithmetic of a speech model on a device: its weights, buffers and launches.
 *
 * <p>May depend on the executor SPI, {@code dev.s3llm.model}, {@code driver} and {@code kv}.
 */
@NullMarked
package dev.s3llm.jcuda.internal.speech;

import org.jspecify.annotations.NullMarked;
