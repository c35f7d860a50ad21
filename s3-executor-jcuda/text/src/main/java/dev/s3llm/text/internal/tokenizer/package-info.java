/**
 * Tokenizers of Hugging Face folders; {@link dev.s3llm.text.internal.tokenizer.TextTokenizer} is
 * the one place that opens them. Not part of the API; {@code s3-predictor-onnx} uses it too.
 *
 * <p>Depends on {@code s3-model}, the Hugging Face tokenizers, Guava, Jackson and SLF4J.
 */
@NullMarked
package dev.s3llm.text.internal.tokenizer;

import org.jspecify.annotations.NullMarked;
