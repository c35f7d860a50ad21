/**
 * Executors for models of the Llama family and GPT-J: {@link dev.s3llm.jcuda.JCudaExecutor} runs
 * them on NVIDIA GPUs, {@link dev.s3llm.jcuda.HostExecutor} on the CPU, as the reference for every
 * GPU kernel. Both read the same configurations and weights.
 *
 * <p>May depend on {@code s3-core}, the tokenizers, Jackson, Guava, JCuda and SLF4J.
 */
@NullMarked
package dev.s3llm.jcuda;

import org.jspecify.annotations.NullMarked;
