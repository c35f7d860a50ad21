/**
 * An executor for models of all families on NVIDIA GPUs, {@link dev.s3llm.jcuda.JCudaExecutor}, and
 * one for speech, {@link dev.s3llm.jcuda.JCudaSpeechExecutor}. The CPU executors of s3-executor-cpu
 * are the reference for every kernel; both read the same model files.
 *
 * <p>May depend on {@code s3-core}, {@code s3-model}, Guava and the {@code internal} packages,
 * which are no API: {@code decode}, {@code speech}, {@code batch}, {@code kv} and {@code driver}.
 * Knows JCuda only through {@code driver}.
 */
@NullMarked
package dev.s3llm.jcuda;

import org.jspecify.annotations.NullMarked;
