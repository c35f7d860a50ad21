/**
 * An executor for a small transformer on CUDA, with its CPU reference.
 *
 * <p>May depend on {@code s3-core}, JCuda, the tokenizers, Jackson, Guava and SLF4J.
 */
@NullMarked
package dev.s3llm.jcuda;

import org.jspecify.annotations.NullMarked;
