/**
 * KV blocks in device memory and, swapped out, in pinned host memory. May depend on {@code kernel}
 * and the executor SPI.
 */
@NullMarked
package dev.s3llm.jcuda.internal.kv;

import org.jspecify.annotations.NullMarked;
