/**
 * Models as Hugging Face folders hold them: configuration, weights, tokenizer. Shared by the host
 * and the GPU backend; knows nothing of either.
 */
@NullMarked
package dev.s3llm.jcuda.model;

import org.jspecify.annotations.NullMarked;
