/**
 * KV blocks in device memory and, when they are swapped out, in pinned host memory.
 *
 * <p>May depend on the executor SPI and {@code driver}.
 */
@NullMarked
package dev.s3llm.jcuda.internal.kv;

import org.jspecify.annotations.NullMarked;
