/**
 * An executor for models of the Llama family and GPT-J on NVIDIA GPUs: {@link
 * dev.s3llm.jcuda.JCudaExecutor}. The CPU executor of s3-executor-cpu is the reference for every
 * kernel; both read the same model files.
 *
 * <p>May depend on {@code s3-core}, {@code s3-model}, Guava, JCuda and SLF4J.
 */
@NullMarked
package dev.s3llm.jcuda;

import org.jspecify.annotations.NullMarked;
