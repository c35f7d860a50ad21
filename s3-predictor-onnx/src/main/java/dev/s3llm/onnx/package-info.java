/**
 * An output-length predictor on ONNX Runtime.
 *
 * <p>May depend on {@code s3-core}, ONNX Runtime, the tokenizers, Guava and SLF4J.
 */
@NullMarked
package dev.s3llm.onnx;

import org.jspecify.annotations.NullMarked;
