/**
 * An executor for models of the Llama family and GPT-J on the CPU: {@link
 * dev.s3llm.cpu.CpuExecutor}, in plain Java.
 *
 * <p>May depend on {@code s3-core} and {@code s3-model}, and on nothing else.
 */
@NullMarked
package dev.s3llm.cpu;

import org.jspecify.annotations.NullMarked;
