/**
 * An output-length predictor on ONNX Runtime. The API is {@link dev.s3llm.onnx.OnnxLengthPredictor}
 * with its statistics, {@link dev.s3llm.onnx.FeedbackLog} and {@link
 * dev.s3llm.onnx.LengthModelException}.
 *
 * <p>Depends on {@code s3-core}, ONNX Runtime, Jackson, Guava and SLF4J, which stay out of public
 * signatures; opens tokenizers through {@code s3-text}.
 */
@NullMarked
package dev.s3llm.onnx;

import org.jspecify.annotations.NullMarked;
