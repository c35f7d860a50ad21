/**
 * The forward pass on one or several devices: weights, kernels, stages, and the pipeline of stages.
 * One typed method launches each kernel. Knows the operations of a {@code ModelConfig}, and no
 * model family by name.
 *
 * <p>May depend on the executor SPI, {@code s3-model}, {@code batch}, {@code kv}, {@code driver},
 * and on the API's {@code LoadProgress} and {@code StepTimes}.
 */
@NullMarked
package dev.s3llm.jcuda.internal.decode;

import org.jspecify.annotations.NullMarked;
