/**
 * Executors for Llama-family models: {@link dev.s3llm.jcuda.HostExecutor} runs on the CPU and is
 * the reference for every GPU kernel. The decoder, the weights and the sampling are shared between
 * backends; only {@link dev.s3llm.jcuda.Kernels} differ.
 *
 * <p>May depend on {@code s3-core}, the tokenizers, Jackson, Guava and SLF4J.
 */
@NullMarked
package dev.s3llm.jcuda;

import org.jspecify.annotations.NullMarked;
