/**
 * Executors on the CPU, in plain Java: {@link dev.s3llm.cpu.CpuExecutor} for models of the Llama
 * family and GPT-J, {@link dev.s3llm.cpu.CpuSpeechExecutor} for speech models.
 *
 * <p>May depend on {@code s3-core} and {@code s3-model}, and on nothing else.
 */
@NullMarked
package dev.s3llm.cpu;

import org.jspecify.annotations.NullMarked;
