/**
 * The inputs of a step: their layout, their image in pinned memory, their copy on a device.
 *
 * <p>May depend on the executor SPI and {@code driver}.
 */
@NullMarked
package dev.s3llm.jcuda.internal.batch;

import org.jspecify.annotations.NullMarked;
